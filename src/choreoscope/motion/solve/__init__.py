"""The shot solve: people, camera and floor in one metric world."""
