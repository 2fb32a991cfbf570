"""Steps of a recipe that look at pixels."""
