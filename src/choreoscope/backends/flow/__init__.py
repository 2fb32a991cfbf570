"""Back ends that make motion vectors."""
