"""Passes made by hand in another program: awaited, checked, converted, taken in."""
