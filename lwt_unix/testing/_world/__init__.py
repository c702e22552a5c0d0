"""A world: its time, its descriptors, what owns them and has an end, and the engine that waits in it.

In reading order: `limits`, of what a host has no more; `world`, the clock, what is going to happen, what the descriptors
stand for; `engine`; `crash`, the end of all that runs on a host.
"""
