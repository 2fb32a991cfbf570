"""Film passes from pixels: what networks are handed, and what becomes of their answers."""
