"""Back ends that tell the parts of bodies apart."""
