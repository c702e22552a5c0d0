"""How what is behind a channel is closed: a close function, and one that two channels may share.

OCaml: Lwt_io, `make` and `of_fd`, where closing is lazy (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias, final

import lwt

Close: TypeAlias = Callable[[], lwt.Promise[object] | Coroutine[Any, Any, object]]
"""Close what is behind the channel."""


@final
class ClosingOnce:
    """A close function of our own, which two channels may share.

    Closing a descriptor rejects those who wait for it. They may then close a channel on it
    themselves, while the first closing is still at work: they get its promise. (OCaml raises
    `CamlinternalLazy.Undefined` there. We raise only if a user's close function closes its
    channel.)
    """

    __slots__ = ("_close", "_promise")

    def __init__(self, close: Callable[[], lwt.Promise[object]]) -> None:
        self._close = close
        self._promise: lwt.Promise[object] | None = None

    def __call__(self) -> lwt.Promise[object]:
        promise = self._promise
        if promise is None:
            resolver: lwt.Resolver[object]
            ours, resolver = lwt.wait()
            promise = self._promise
            if promise is None:  # Otherwise a finaliser has closed it meanwhile.
                promise = self._promise = ours
                closed = lwt.catch(self._close, lwt.fail)
                lwt.on_any(closed, partial(lwt.wakeup, resolver), partial(lwt.wakeup_exn, resolver))
        return promise
