"""Back ends that find named points of bodies in the picture."""
