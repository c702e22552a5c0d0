"""The calls of the system by which programs reach the world, and those that fail as planned."""
