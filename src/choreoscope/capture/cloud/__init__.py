"""The film lifted into space: depth to points and relief meshes, by rays through the lens."""
