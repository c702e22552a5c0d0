"""Hosts, the links between them, and what goes over these.

In reading order: `links`, the ways from host to host; `hosts`, their addresses and ports; `passing`, descriptors that go
with a message; `flows` of bytes, and pipes, which are made of one; `streams`, two flows with what TCP does for them;
`sockets`, what all kinds have; `connections`, the sockets at the ends of a stream, and servers; `datagrams`, sockets
of messages.
"""
