"""Pools: at most so many members, made on demand, each lent to one user at a time.

A pool makes a member when one is needed and it has fewer than its maximum; otherwise its
users wait, first in first out. `use` calls a function with a member, and takes it back.

The ideas, in reading order:

- A pool has *places*, as many as its maximum. A place is taken when the making of a member
  starts. It is free again when the making fails, or when the member was disposed of.
- A member that nobody uses is idle. If there is no idle member and no free place, a user
  waits, first in first out, until a member is given back or a place becomes free.
- So nobody waits while there is an idle member or a free place. `serve_waiters` sees to
  this wherever a place becomes free. A new user waits behind those who wait already.

OCaml's pool forgets about places in some cases: when a waiter is served by a new member,
when disposing fails, when `check` raises, and when a place becomes free while others wait.
Then it grows beyond its maximum, loses a place forever, or lets its waiters wait forever.
This one does not. Everything else is done as in OCaml, in the same order.

The source: `_pool` has the type and `create`; `_places` serves those who wait; `_members` follows
the life of a member; `_using` is what users call.

OCaml: Lwt_pool (src/core/lwt_pool.ml)
"""

from lwt._core.publish import publish as _publish
from lwt.lwt_pool._pool import Pool, create, t
from lwt.lwt_pool._using import clear, use, wait_queue_length

__all__ = [
    # The type
    "Pool",
    "t",
    # Making one
    "create",
    # Using members
    "use",
    "clear",
    # Asking
    "wait_queue_length",
]

_publish(__name__)
