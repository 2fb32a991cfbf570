"""Back ends that make depth."""
