"""What people touch: contacts in seconds, the floor from everybody's soles, flights."""
