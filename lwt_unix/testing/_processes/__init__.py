"""What else runs in a world: jobs, signals, stand-ins for other programs."""
