"""Film of dancers in, people in 3D out."""

__version__ = "0.1.0"
