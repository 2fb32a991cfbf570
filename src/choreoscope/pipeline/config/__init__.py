"""Configuration files: schemas with meanings, commented YAML, layers, edits that keep comments.

Nothing here knows what is configured: the tree of `Section`s does.
"""
