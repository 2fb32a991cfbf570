"""Made-up shots whose truth is known."""
