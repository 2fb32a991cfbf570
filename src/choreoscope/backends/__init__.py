"""Third-party models, one file each, in a folder per task; found by name."""
