"""The files of a host, and those that are open."""
