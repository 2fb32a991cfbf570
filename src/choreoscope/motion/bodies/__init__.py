"""Bodies: surfaces that follow a skeleton and change with a few numbers of shape."""
