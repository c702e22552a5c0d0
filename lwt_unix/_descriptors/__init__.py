"""Descriptors: their states and modes, who waits for them, reading and writing.

In reading order: `file_descr`, what a descriptor is; `mode`; `wait_queue` and `actions`, those who
wait for one; `read_write`, on `buffers`; `copies`. `system` has the system's calls.
"""
