"""What else runs in a world: `jobs`, `signals`, and `programs`, which are functions that stand in for others."""
