"""Sockets.

In reading order: `constants`, `sockaddr`; `socket_calls`, how a descriptor reaches Python's socket
calls; `sockets`: making, naming and connecting them; `messages`, `options`.
"""
