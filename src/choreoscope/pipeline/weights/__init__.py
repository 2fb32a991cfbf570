"""Files of weights (and other checked data): where they lie, how they come, what they must be."""
