"""How the camera moved: locked, turning on the spot or travelling, and where it was."""
