"""The nouns, the table of artifact kinds, the errors."""
