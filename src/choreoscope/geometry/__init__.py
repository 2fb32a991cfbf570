"""Array maths on numpy."""
