"""Made-up shots whose truth is known: people, camera, floor."""
