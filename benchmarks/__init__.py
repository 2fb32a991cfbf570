"""Figures that a reader can measure again: ``python -m benchmarks`` runs them all."""
