"""What cannot be copied: promises, mutexes, channels and all else that is known by being itself.

Whoever waits for a promise, or holds a mutex, has that very object. A copy would be another one,
which nobody resolves or unlocks. `copy` would make it without a word; so each such class has

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

which `copy.copy`, `copy.deepcopy` and `pickle` ask for what to do.
"""

from __future__ import annotations

from typing import NoReturn


def refuse_copy(thing: object, /) -> NoReturn:
    """Raise the TypeError of a class whose objects cannot be copied."""
    name = f"{type(thing).__module__}.{type(thing).__qualname__}"
    raise TypeError(
        f"a {name} cannot be copied or pickled: others know it by its identity, which a copy "
        f"would not have; pass the object itself on, or the values that it gives"
    )
