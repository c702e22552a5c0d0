"""Hosts, the links between them, and what goes over these: pipes, connections, datagrams."""
