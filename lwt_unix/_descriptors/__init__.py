"""Descriptors: their states and modes, waiting for them, reading and writing.

In reading order: `file_descr`, what a descriptor is; `mode`; `wait_queue` and `actions`, how to
wait for one; `read_write`, with its `buffers`; `emptied`, when a read need not be tried; `copies`. `system` has the system's calls.
"""
