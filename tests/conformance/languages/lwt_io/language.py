"""Scripts over channels: the statements that those of `lwt_unix/` do not have, and random ones.

    (io_pipe CI CO IN_SIZE OUT_SIZE)         channels on the two ends of a pipe
    (io_of_fd C D input SIZE HOW)            a channel on d D; HOW tells what closes it
    (io_make C output SIZE (STEP ...))       a channel on a function of the script's own
    (io_read_line P C) ... (io_read P C COUNT) (io_read_into P C SIZE OFFSET LENGTH) ...
    (io_write P C TEXT) ... (io_flush P C)   in a TEXT, N is a line feed, R a carriage return
    (io_close P C) (io_abort P C) (io_state C) (io_resize_buffer P C SIZE)
    (io_block P C SIZE) (io_direct_access P C MOVE TIMES)
    (io_atomic P C T (END STATEMENT ...))    channel T is the temporary one

HOW is `default` (the descriptor is closed), `close` (the same, and it is told), `quiet`,
`raise`, `reject`, or `wait`: for `(wakeup P)`, where P is 80 more than the channel.
A STEP is what a channel's function does when it is called: transfer so many bytes, `end`,
`raise`, `reject`, `much` and `negative` (wrong numbers), `later` (5 bytes after a pause),
`wait` for `(wakeup P COUNT)`, where P is 60 more than the channel, or `(run STATEMENT ...)`.
After the last step it always waits. END is `joins` (all that was started inside), `returns`,
`raises`, `rejects`, `pauses` or `waits`: for `(wakeup P)`, where P is 100 more than that of the
operation.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.languages.lwt_unix.language import STORAGE_WEIGHTS, UnixMaker

BUFFERS: Final = (16, 16, 16, 17, 20, 32)
TEXTS: Final = (
    *("_", "a", "N", "abc", "abN", "RN", "abcdRN", "aRbN", "onetwothreefour"),
    *("fifteenletters1", "sixteenletters16", "seventeenletters1", "abNcdNefN", "NNN"),
    *("thirtytwolettersoftextwithoutend", "linethatislongerthananybufferisN", "abR", "R"),
)
HOW: Final = ("default", "default", "close", "close", "quiet", "raise", "reject", "wait")
ENDS: Final = (
    *("joins",) * 8,
    "returns",
    "returns",
    "pauses",
    "waits",
    "waits",
    "raises",
    "rejects",
)

READING: Final = {
    "io_read_line": 12,
    "io_read_line_opt": 4,
    "io_read_char": 6,
    "io_read_char_opt": 2,
    "io_read_all": 2,
    "io_read": 6,
    "io_read_into": 4,
    "io_read_into_exactly": 4,
}
WRITING: Final = {
    "io_write": 10,
    "io_write_letters": 4,
    "io_write_line": 7,
    "io_write_char": 5,
    "io_write_from": 4,
    "io_write_from_exactly": 3,
    "io_flush": 6,
}
EITHER: Final = {
    "io_close": 4,
    "io_abort": 2,
    "io_state": 4,
    "io_resize_buffer": 2,
    "io_block": 4,
    "io_direct_access": 3,
    "io_atomic": 6,
}


class IoMaker(UnixMaker):
    """Makes scripts over channels."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.next_channel = 0
        self.waiting: list[int] = []

    def weights(self) -> dict[str, int]:
        return {
            **{name: weight if self.inputs else 0 for name, weight in READING.items()},
            **{name: weight if self.outputs else 0 for name, weight in WRITING.items()},
            **EITHER,
            "wakeup": 10 if self.waiting else 1,
            "wakeup_exn": 3 if self.waiting else 0,
            "write_text": 6,
            "write": 1,
            "drain": 2,
            "fill": 2,
            "shutdown": 1,
            "abort": 1,
            "close": 1,
            "cancel": 6,
            "then": 9,
            **STORAGE_WEIGHTS,
            "pick": 2,
            "pause": 1,
            "turn": 7,
            "settle": 5,
            "io_make": 1,
            "io_pipe": 1,
        }

    def beginning(self) -> list[Form]:
        name = self.weighted({"io_make": 5, "io_pipe": 3, "pair": 4})
        if name == "pair":
            pair = self.pair(("pipe", "socketpair", "small_socketpair")[self.number(3)])
            statements = [pair]
            for d in pair[1:]:
                if self.number(4):
                    direction = "input" if d in self.readable else "output"
                    if pair[0] != "pipe":
                        direction = ("input", "output")[self.number(2)]
                    statements.append(self.of_fd(d, direction))
            return statements
        return [self.statement(name)]

    def of_fd(self, d: int, direction: str) -> Form:
        c, how = self.new_channel(direction), HOW[self.number(len(HOW))]
        if how == "wait":
            self.waiting.append(80 + c)
        return ("io_of_fd", c, d, direction, self.one_of(BUFFERS), how)

    def new_channel(self, direction: str) -> int:
        c = self.next_channel % 8
        self.next_channel += 1
        for group in (self.inputs, self.outputs):
            if c in group:
                group.remove(c)
        (self.inputs if direction == "input" else self.outputs).append(c)
        return c

    def input(self) -> int:
        return self.one_of(self.inputs) if self.inputs else 0

    def output(self) -> int:
        return self.one_of(self.outputs) if self.outputs else 0

    def channel(self) -> int:
        return self.one_of(self.inputs + self.outputs) if self.inputs + self.outputs else 0

    def text(self) -> str:
        return TEXTS[self.number(len(TEXTS))]

    def statement(self, name: str) -> Form:
        if name in {"io_read", "io_write_letters"}:
            c = self.input() if name == "io_read" else self.output()
            return (name, self.new_promise(), c, self.one_of((0, 1, 3, 5, 15, 16, 17, 30, 60)))
        if name.startswith(("io_read_into", "io_write_from")):
            c = self.input() if name.startswith("io_read_into") else self.output()
            return (name, self.new_promise(), c, *self.range())
        if name in READING:
            return (name, self.new_promise(), self.input())
        if name == "io_flush":
            return (name, self.new_promise(), self.output())
        if name == "io_write_char":
            return (name, self.new_promise(), self.output(), ("a", "N", "R")[self.number(3)])
        if name in WRITING:
            return (name, self.new_promise(), self.output(), self.text())
        if name in {"io_close", "io_abort"}:
            return (name, self.new_promise(), self.channel())
        return super().statement(name)

    def make_write_text(self) -> Form:
        return ("write_text", self.new_promise(), self.writer(), self.text())

    def make_io_state(self) -> Form:
        return ("io_state", self.channel())

    def make_io_resize_buffer(self) -> Form:
        size = self.one_of((8, 15, 16, 17, 20, 32, 64))
        return ("io_resize_buffer", self.new_promise(), self.channel(), size)

    def make_io_block(self) -> Form:
        size = self.one_of((0, 1, 2, 4, 8, 16, 16, 17, -1))
        return ("io_block", self.new_promise(), self.channel(), size)

    def make_io_direct_access(self) -> Form:
        return (
            *("io_direct_access", self.new_promise(), self.channel()),
            *(self.one_of((0, 1, 5, 16)), self.number(3)),
        )

    def make_io_atomic(self) -> Form:
        is_input = self.inputs and (not self.outputs or self.number(2))
        c = self.input() if is_input else self.output()
        p, temporary = self.new_promise(), 20 + self.number(3)
        group = self.inputs if is_input else self.outputs
        group.append(temporary)
        end, block = ENDS[self.number(len(ENDS))], self.block()
        if end == "waits":
            self.waiting.append(100 + p)
        if self.number(4):
            group.remove(temporary)  # it will be used only from inside
        return ("io_atomic", p, c, temporary, (end, *block))

    def make_io_pipe(self) -> Form:
        ci, co = self.new_channel("input"), self.new_channel("output")
        return ("io_pipe", ci, co, self.one_of(BUFFERS), self.one_of(BUFFERS))

    def make_io_make(self) -> Form:
        direction = ("input", "output", "output")[self.number(3)]
        c = self.new_channel(direction)
        self.waiting.append(60 + c)
        return ("io_make", c, direction, self.one_of(BUFFERS), self.steps())

    def steps(self) -> Form:
        steps: list[Form] = []
        for _ in range(self.number(6)):
            kind = self.number(20)
            if kind < 12:
                steps.append(self.one_of((1, 2, 3, 7, 15, 16, 20, 100)))
            elif kind == 12:
                steps.append(("run", *self.block()))
            else:
                words = ("end", "raise", "reject", "much", "negative", "later", "wait")
                steps.append(words[kind - 13])
        return tuple(steps)

    def make_wakeup(self) -> Form:
        slot = self.one_of(self.waiting) if self.waiting else self.promise()
        return ("wakeup", slot, self.one_of((0, 1, 2, 5, 16, 40)))

    def make_wakeup_exn(self) -> Form:
        slot = self.one_of(self.waiting) if self.waiting else self.promise()
        return ("wakeup_exn", slot, 1 + self.number(3))

    def make_cancel(self) -> Form:
        if self.waiting and self.number(5) == 0:
            return ("cancel", self.one_of(self.waiting))
        return super().make_cancel()

    def program(self) -> Program:
        program = super().program()
        states = tuple(("io_state", c) for c in range(min(8, self.next_channel)))
        return (*program, *states)
