"""The engine: stages, plans, fingerprints, manifests, weights; knows nothing of people or dance."""
