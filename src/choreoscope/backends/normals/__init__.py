"""Back ends that make normals."""
