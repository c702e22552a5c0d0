"""What a test may leave behind in the process: open descriptors, threads, child processes."""

import threading

from lwt_unix.testing._leaks.leaks import Belongings, belongings, new_since

PATIENCE = 10.0
"""Seconds for a thread that ends by itself."""


def left_since(before: Belongings) -> dict[str, list[object]]:
    """What the process has more than before, when the threads that end by themselves have done so."""
    for thread in set(threading.enumerate()) - before["threads"].keys():
        thread.join(PATIENCE)
    left = new_since(before, belongings())
    kinds = {kind: [*left[kind]] for kind in ("descriptors", "children", "threads")}
    return {kind: things for kind, things in kinds.items() if things}
