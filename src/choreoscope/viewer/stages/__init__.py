"""Steps of a recipe that make pictures and pages."""
