"""Checks of arguments that several modules take: one for each kind, before anything is changed.

What only one module takes is checked there: the parts of buffers in `_buffers`, addresses in
`_sockaddr`, constants where they are used.
"""

from __future__ import annotations

from typing import Final

MOST_FD: Final = 2**31 - 1
"""The largest number of a descriptor."""


def check_callable(function: str, value: object) -> None:
    """Raise a TypeError unless the value can be called."""
    if not callable(value):
        raise TypeError(f"{function}: expected a function, got {described(value)}")


def check_delay(function: str, delay: object) -> None:
    """Raise unless this is a number of seconds; negative ones count as 0.

    Raises:
        TypeError: it is no number.
        ValueError: it is a NaN, for which OCaml's timers have no order.
    """
    is_number = type(delay) is float or isinstance(delay, int | float)
    if not is_number or isinstance(delay, bool):
        raise TypeError(f"{function}: expected a delay in seconds, got {described(delay)}")
    if delay != delay:  # noqa: PLR0124  (only a NaN differs from itself)
        raise ValueError(f"{function}: the delay is NaN; expected a number of seconds")


def check_fd(function: str, fd: object) -> None:
    """Raise unless this is a number that a descriptor of the system can have.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative, or larger than the system calls take.
    """
    if not isinstance(fd, int) or isinstance(fd, bool):
        hint = ""
        if hasattr(fd, "fileno"):
            hint = ", or its fileno(), or its detach() where it is to be given up"
        raise TypeError(
            f"{function}: expected a file descriptor, got {described(fd)}; pass its number{hint}"
        )
    if fd < 0:
        raise ValueError(
            f"{function}: {fd} is not a file descriptor; the fileno() of a closed socket is -1"
        )
    if fd > MOST_FD:
        raise ValueError(f"{function}: {fd} is not a file descriptor; none is above {MOST_FD}")


def check_number(function: str, what: str, value: object) -> None:
    """Raise a TypeError unless this is an int, which a bool is not."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{function}: {what} is {described(value)}; expected an int")


def described(value: object) -> str:
    """Show a value for an error message, with its type."""
    return f"{value!r} ({type(value).__name__})"
