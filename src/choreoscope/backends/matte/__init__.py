"""Back ends that make mattes."""
