"""Back ends that find and follow people."""
