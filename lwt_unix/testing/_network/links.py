"""Links: the way from one host of a simulated network to another, in one direction.

How long something is on its way is the link's *latency*, and its size divided by the *bandwidth*; what is
sent meanwhile waits behind it. Datagrams may be lost, or come twice. A link that is *cut* (`partition`) loses
all that is sent; one that *holds* keeps it, in order, until it is released. What is on its way
already comes to its end in any case.

Each of these is in the words of tokio's `turmoil`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from lwt._core.checks import check_kind
from lwt._core.choices import DELAY, LOSS
from lwt_unix.testing._world.world import Owner, World

LATE: Final = (0.0, 0.001, 0.05, 2.0)
"""How many seconds later than usual something may come: a choice."""

_STEPS: Final = 8
"""Of how many latencies in a range one is chosen."""


def size_in_words(size: int) -> str:
    """Say how many bytes that is."""
    return "1 byte" if size == 1 else f"{size} bytes"


class Link:
    """The way from one host to another. `testing.network().link(a, b)` returns it."""

    __slots__ = (
        *(
            "_bandwidth",
            "_delays",
            "_duplication",
            "_latency",
            "_loss",
            "held",
            "is_cut",
            "is_holding",
        ),
        *("busy_until", "is_plain", "name", "reverse", "source", "target", "world"),
    )

    def __init__(self, world: World, source: Owner, target: Owner) -> None:
        self.world = world
        self.source = source
        self.target = target
        self.reverse = self
        """The way back."""

        self.name = f"{source.name} to {target.name}"
        self._latency: float | tuple[float, float] = 0.0
        self._delays: tuple[float, ...] = LATE
        """How many seconds something may be on its way: a choice."""

        self._bandwidth = math.inf
        self._loss = 0.0
        self._duplication = 0.0
        self.is_cut = False
        """Whether what is sent is lost."""

        self.is_holding = False
        """Whether what is sent is kept."""

        self.is_plain = True
        """Whether nothing of this is set, here or on the way back, and neither host has ever crashed: if
        nothing is to be chosen, what is sent is there at once."""

        self.busy_until = 0.0
        """When the last byte will have been sent."""

        self.held: list[Callable[[], object]] = []
        """What sends what is kept."""

    def __repr__(self) -> str:
        state = ", cut" if self.is_cut else ", holding" if self.is_holding else ""
        return f"<link {self.name}{state}>"

    # --- How it is ------------------------------------------------------------

    @property
    def latency(self) -> float | tuple[float, float]:
        """How many seconds something is on its way; or the least and the most, and a choice says which.

        Lwt's own choice is the least.
        """
        return self._latency

    @latency.setter
    def latency(self, seconds: float | tuple[float, float]) -> None:
        both = seconds if isinstance(seconds, tuple) and len(seconds) == 2 else (seconds, seconds)
        for one in both:
            _check("latency", one)
        if both[0] > both[1]:
            raise ValueError(
                f"testing.Link.latency: {seconds} is no range: give the least, and then the most"
            )
        self._latency = seconds
        low, high = both
        if isinstance(seconds, tuple):
            step = (high - low) / (_STEPS - 1)
            self._delays = tuple(low + step * number for number in range(_STEPS))
        else:
            self._delays = tuple(low + late for late in LATE)
        self.settle()

    @property
    def bandwidth(self) -> float:
        """How many bytes a second are sent; `math.inf` if that takes no time."""
        return self._bandwidth

    @bandwidth.setter
    def bandwidth(self, bytes_a_second: float) -> None:
        _check("bandwidth", bytes_a_second, math.inf)
        if not bytes_a_second:
            raise ValueError("testing.Link.bandwidth: 0 bytes a second is never; use partition()")
        self._bandwidth = bytes_a_second
        self.settle()

    @property
    def loss(self) -> float:
        """The probability that a datagram is lost.

        Whether it is, is a choice: with Lwt's own choices, nothing is lost unless this is 1.
        """
        return self._loss

    @loss.setter
    def loss(self, probability: float) -> None:
        _check("loss", probability, 1.0)
        self._loss = probability

    @property
    def duplication(self) -> float:
        """The probability that a datagram comes twice; a choice, as with `loss`."""
        return self._duplication

    @duplication.setter
    def duplication(self, probability: float) -> None:
        _check("duplication", probability, 1.0)
        self._duplication = probability

    def partition(self) -> None:
        """Lose all that is sent from now on. Bytes of a connection are sent again after `repair`."""
        self._change("is_cut", True, "is cut")

    def repair(self) -> None:
        """End a `partition`."""
        self._change("is_cut", False, "is repaired")

    def hold(self) -> None:
        """Keep all that is sent from now on, until `release`."""
        self._change("is_holding", True, "holds what is sent")

    def release(self) -> None:
        """Send what was kept, in order, and end a `hold`."""
        self._change("is_holding", False, "is released")
        held, self.held = self.held, []
        for send in held:
            send()

    def _change(self, name: str, value: bool, what: str) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.world.tell("the link from %s %s", self.name, what)
        self.settle()

    def settle(self) -> None:
        """Find out whether the link and the way back are plain."""
        is_plain = not self.source.life and not self.target.life
        for link in (self, self.reverse):
            is_open = not link.is_cut and not link.is_holding
            is_plain &= is_open and link._latency == 0.0 and link._bandwidth == math.inf
        self.is_plain = self.reverse.is_plain = is_plain

    # --- Sending -------------------------------------------------------------

    def is_open(self) -> bool:
        """Say whether what is sent now will come."""
        return not self.is_cut and not self.is_holding

    def arrival(self, size: int) -> float:
        """Return when so many bytes come that are sent now."""
        now = self.world.now
        if self._bandwidth != math.inf:
            now = self.busy_until = max(now, self.busy_until) + size / self._bandwidth
        delays = self._delays
        if DELAY not in self.world.varying:
            return now + delays[0]

        def tell(option: int) -> str:
            late = delays[option] - delays[0]
            come = "comes" if size == 1 else "come"
            return f"{size_in_words(size)} from {self.name} {come} {late:.4g} s late"

        return now + delays[self.world.choices.choose(DELAY, len(delays), tell)]

    def send(self, size: int, arrive: Callable[[], object]) -> bool:
        """Send something; say whether it is on its way. Otherwise it is lost, or kept for `release`."""
        if self.is_cut:
            return False
        if self.is_holding:
            self.held.append(lambda: self.send(size, arrive))
            return False
        self.world.at(self.arrival(size), arrive)
        return True

    def send_datagram(self, size: int, sender: str, arrive: Callable[[], object]) -> None:
        """Send a datagram, which may be lost, or come twice."""
        if self.is_cut or (self._loss and self._happens(self._loss, size, "is lost")):
            self.world.tell("a datagram of %s from %s is lost", size_in_words(size), sender)
            return
        self.send(size, arrive)
        if self._duplication and self._happens(self._duplication, size, "comes twice"):
            self.world.tell("a datagram of %s from %s comes twice", size_in_words(size), sender)
            self.send(size, arrive)

    def _happens(self, probability: float, size: int, what: str) -> bool:
        return probability == 1.0 or self.world.choices.happens(
            LOSS,
            probability,
            lambda _: f"a datagram of {size_in_words(size)} from {self.name} {what}",
        )


def _check(name: str, number: object, most: float = math.inf) -> None:
    """Raise an error unless this is a number from 0 to another one."""
    if isinstance(number, int) and not isinstance(number, bool):
        number = float(number)
    check_kind(f"testing.Link.{name}", number, float)
    assert isinstance(number, float)
    is_finite = name == "bandwidth" or math.isfinite(number)
    if not (0.0 <= number <= most and is_finite):
        upper = f" to {most:g}" if math.isfinite(most) else " on"
        raise ValueError(f"testing.Link.{name}: {number:g} is out of range; it is from 0{upper}")
