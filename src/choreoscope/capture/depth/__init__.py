"""Metric depth: evidence of how far things are, and raw depth fitted to it."""
