"""The watch folder: films are dropped in, their results come out; knows nothing of people."""
