"""Fitting a body to points: one shape per track, pose, root and scale per frame."""
