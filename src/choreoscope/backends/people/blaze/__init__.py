"""BlazePose body, hands and face, run straight from the weight files."""
