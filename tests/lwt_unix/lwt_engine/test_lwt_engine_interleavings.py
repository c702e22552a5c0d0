"""Random programs of events on socket pairs: every engine against a model of OCaml's select.

A program registers and stops events, sends, receives, and performs turns. Each event has
an action of its own, which its callback performs: it stops events, registers new ones,
receives, or forgets a descriptor, all in the middle of a turn.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event, stop_event
from tests.support.engines import ENGINES, Engine_class, socket_pairs

PAIRS = 3
MOST_EVENTS = 40  # so that programs whose callbacks register events come to an end

Direction: TypeAlias = Literal["readable", "writable"]
Action: TypeAlias = tuple[str, int, Direction]
"""What to do, with an index of an event or of a pair, and a direction where it needs one."""

actions = st.tuples(
    st.sampled_from(["nothing", "stop", "stop itself", "receive", "forget"]),
    st.integers(0, 5),
    st.sampled_from(["readable", "writable"]),
)
registrations = st.tuples(
    st.just("register"), st.integers(0, PAIRS - 1), st.sampled_from(["readable", "writable"])
)
operations = st.tuples(
    st.one_of(
        registrations,
        registrations,
        st.tuples(
            st.sampled_from(["send", "turn", "turn", "adopt"]),
            st.integers(0, 2),
            st.just("readable"),
        ),
        actions,
    ),
    st.one_of(actions, registrations),
)


@dataclass
class Model_event:
    pair: int
    direction: Direction
    action: Action
    is_active: bool = True


@dataclass
class Model:
    """Which events a turn calls, as OCaml's engine over select calls them."""

    events: list[Model_event] = field(default_factory=list)
    received: list[int] = field(default_factory=lambda: [0] * PAIRS)
    called: list[int] = field(default_factory=list)
    forgotten: set[int] = field(default_factory=set)  # in this turn

    def perform(self, action: Action, follow_up: Action, itself: int | None = None) -> None:
        what, index, direction = action
        if what == "register" and len(self.events) < MOST_EVENTS:
            self.events.append(Model_event(index, direction, follow_up))
        elif what == "stop" and index < len(self.events):
            self.events[index].is_active = False
        elif what == "stop itself" and itself is not None:
            self.events[itself].is_active = False
        elif what == "send":
            self.received[index] += 1
        elif what == "receive":
            self.received[index % PAIRS] = 0
        elif what == "forget":
            self.forgotten.add(index % PAIRS)
            for event in self.events:
                if event.pair == index % PAIRS:
                    event.is_active = False
        elif what == "turn":
            self.turn()

    def waiting(self, pair: int, direction: Direction) -> list[int]:
        return [
            number
            for number, event in reversed(list(enumerate(self.events)))
            if event.is_active and (event.pair, event.direction) == (pair, direction)
        ]

    def turn(self) -> None:
        self.forgotten.clear()
        directions: tuple[Direction, Direction] = ("readable", "writable")
        ready = [
            (pair, direction)
            for direction in directions
            for pair in range(PAIRS)
            if self.waiting(pair, direction) and (direction == "writable" or self.received[pair])
        ]
        for pair, direction in ready:
            if pair in self.forgotten:
                continue  # what is registered there now is for another file
            for number in self.waiting(pair, direction):
                if self.events[number].is_active:
                    self.called.append(number)
                    self.perform(self.events[number].action, ("nothing", 0, "readable"), number)


class Real:
    """The same on an engine and socket pairs."""

    def __init__(
        self, engine: lwt_engine.abstract, pairs: list[tuple[socket.socket, socket.socket]]
    ) -> None:
        self.engine = engine
        self.pairs = pairs
        self.events: list[Event] = []
        self.called: list[int] = []

    def perform(self, action: Action, follow_up: Action, itself: int | None = None) -> None:
        what, index, direction = action
        if what == "register" and len(self.events) < MOST_EVENTS:
            self.register(index, direction, follow_up)
        elif what == "stop" and index < len(self.events):
            stop_event(self.events[index])
        elif what == "stop itself" and itself is not None:
            stop_event(self.events[itself])
        elif what == "send":
            self.pairs[index][1].send(b"x")
        elif what == "receive":
            try:
                self.pairs[index % PAIRS][0].recv(1000)
            except BlockingIOError:
                pass
        elif what == "forget":
            self.engine.forget(self.pairs[index % PAIRS][0].fileno())
        elif what == "adopt":
            self.engine.adopt(self.pairs[index][0].fileno())
        elif what == "turn":
            self.engine.iter(False)

    def register(self, pair: int, direction: Direction, action: Action) -> None:
        number = len(self.events)

        def callback(_: Event) -> None:
            self.called.append(number)
            self.perform(action, ("nothing", 0, "readable"), number)

        fd = self.pairs[pair][0].fileno()
        if direction == "readable":
            self.events.append(self.engine.on_readable(fd, callback))
        else:
            self.events.append(self.engine.on_writable(fd, callback))


@pytest.mark.parametrize("engine_class", ENGINES)
@given(program=st.lists(operations, max_size=40))
def test_every_engine_calls_what_ocaml_select_calls(
    engine_class: Engine_class, program: list[tuple[Action, Action]]
) -> None:
    engine = engine_class()
    model = Model()
    with socket_pairs(PAIRS) as pairs:
        for front, _ in pairs:
            front.setblocking(False)
        real = Real(engine, pairs)
        for action, follow_up in program:
            model.perform(action, follow_up)
            real.perform(action, follow_up)
            assert real.called == model.called
            assert [event.is_active for event in real.events] == [
                event.is_active for event in model.events
            ]
            engine.check_invariants()
        engine.destroy()
