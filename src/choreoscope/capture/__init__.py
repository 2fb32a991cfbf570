"""Film to people: interfaces, who is who, recipes."""
