"""Meshes to pixels, headless: colour, depth, normals, ids."""
