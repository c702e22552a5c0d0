"""A world: its time, its descriptors, what owns them and has an end, and the engine that waits in it."""
