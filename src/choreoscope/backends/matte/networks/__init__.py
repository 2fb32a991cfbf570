"""What the learned matte back ends share: networks in files, the memory of SAM 2."""
