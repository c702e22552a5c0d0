"""All programs over promises of one small shape, in the language of `language.py`.

    (task 0) (task 1) (with_value 0 1 MAKE ATTACH) RESOLVE (with_value 1 2 RESOLVE)

MAKE makes promise 2 of promise 0, or of both. ATTACH lets something wait for one of the three, mostly
for promise 2. Each RESOLVE resolves or cancels one. A callback that MAKE attaches may itself cancel
or resolve first, and then returns, raises, or gives promise 1.

Random programs meet rare things by luck. These meet all that so few statements can do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

from tests.conformance.forms import Form, Program

_ACTS: Final[tuple[Program, ...]] = (
    (),
    (("cancel", 1),),
    (("cancel", 2),),
    (("wakeup", 1, 5),),
    (("wakeup_later", 1, 5),),
)
_ENDS: Final[tuple[Form, ...]] = (("return", 6), ("raise", 1), ("promise", 1))
_WAITS_FOR_0: Final[Form] = ("do", 1, ("promise", 0))
_GIVES: Final[Form] = ("do", 3, ("return", 7))


def _callbacks(ends: tuple[Form, ...]) -> Iterator[Form]:
    for acts, end in product(_ACTS, ends):
        yield ("do", 2, *acts, end)


def _makers() -> Iterator[Form]:
    for callback in _callbacks(_ENDS):
        yield ("bind", 2, 0, callback)
        yield ("catch", 2, _WAITS_FOR_0, callback)
        yield ("try_bind", 2, _WAITS_FOR_0, callback, _GIVES)
        yield ("try_bind", 2, _WAITS_FOR_0, _GIVES, callback)
        yield ("finalize", 2, _WAITS_FOR_0, callback)
    for callback in _callbacks(_ENDS[:2]):
        yield ("map", 2, callback, 0)
    for name in ("join", "all", "choose", "pick", "nchoose", "npick", "nchoose_split"):
        yield (name, 2, (0, 1))
    yield ("both", 2, 0, 1)
    for name in ("protected", "no_cancel", "wrap_in_cancelable"):
        yield (name, 2, 0)


MAKERS: Final = tuple(_makers())

ATTACHED: Final[Program] = (
    ("on_any", 2, ("do", 4, ("return", 0)), ("do", 5, ("return", 0))),
    ("on_cancel", 2, ("do", 4, ("cancel", 1), ("return", 0))),
    ("on_cancel", 0, ("do", 4, ("return", 0))),
    ("on_termination", 0, ("do", 4, ("wakeup_later", 1, 8), ("return", 0))),
    ("ignore_result", 2),
    ("bind", 3, 2, ("do", 4, ("promise", 1))),
    ("bind", 3, 1, ("do", 4, ("promise", 2))),
    ("catch", 3, ("do", 4, ("promise", 2)), ("do", 5, ("promise", 1))),
    ("pick", 3, (2, 1)),
    ("npick", 3, (0, 2)),
    ("join", 3, (2, 0)),
    ("protected", 3, 2),
    ("no_cancel", 3, 2),
)

RESOLVING: Final[Program] = (
    ("wakeup", 0, 3),
    ("wakeup_later", 0, 3),
    ("wakeup_exn", 0, 2),
    ("cancel", 0),
    ("wakeup", 1, 4),
    ("wakeup_exn", 1, 3),
    ("cancel", 1),
    ("cancel", 2),
    ("cancel", 3),
)

NUMBER: Final = len(MAKERS) * len(ATTACHED) * len(RESOLVING) ** 2
"""How many programs there are."""


def small_programs(every: int = 1) -> Iterator[Program]:
    """Make all of them, or one in so many: always the same ones."""
    for number, parts in enumerate(product(MAKERS, ATTACHED, RESOLVING, RESOLVING)):
        if number % every == 0:
            make, attach, first, second = parts
            yield (
                ("task", 0),
                ("task", 1),
                ("with_value", 0, 1, make, attach),
                first,
                ("with_value", 1, 2, second),
            )
