"""Steps of a recipe that are about movement."""
