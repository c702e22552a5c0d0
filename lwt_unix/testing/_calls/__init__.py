"""The calls of the system by which programs reach the world, and those that fail as planned.

In reading order: `calls`, on descriptors and sockets; `files`; `names` of hosts and users; `fallible`, what can fail,
and how; `faults`, which stand before all of them.
"""
