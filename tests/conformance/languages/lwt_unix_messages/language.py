"""Scripts over vectors and messages: the statements that those of `lwt_unix/` do not have.

    (vectors V) (append V SIZE OFFSET LENGTH) (append_bigarray V SIZE OFFSET LENGTH)
    (append_many V COUNT)                   so many parts of one byte
    (drop V COUNT) (count V)
    (readv P D V) (writev P D V)
    (send_msg P D V (D ...)) (send_msgto P D V (D ...) PATH)    with these descriptors
    (recv_msg P D V FIRST)                  the descriptors that come are d FIRST and those behind it
    (read_bigarray P D SIZE OFFSET LENGTH) (write_bigarray P D SIZE OFFSET LENGTH) (bind_1 D PATH)

Vectors are not changed while a call waits with them: in OCaml, the call would use what they are by then.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.conformance.forms import Form
from tests.conformance.languages.lwt_unix.language import PATHS, STORAGE_WEIGHTS, UnixMaker

VECTORS: Final = 4
FIRST_RECEIVED: Final = 20
RECEIVED: Final = 4


class MessagesMaker(UnixMaker):
    """Makes scripts over vectors and messages."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.pairs: list[tuple[int, int]] = []
        """Sockets that are connected to each other."""

    def weights(self) -> dict[str, int]:
        return {
            "vectors": 3,
            "append": 16,
            "append_many": 1,
            "drop": 5,
            "count": 4,
            "readv": 12,
            "writev": 12,
            "send_msg": 9,
            "send_msgto": 3,
            "recv_msg": 11,
            "exchange": 12 if self.pairs else 0,
            "bigarray": 4,
            "read": 3,
            "write": 3,
            "fill": 2,
            "drain": 3,
            "close": 4,
            "abort": 2,
            "shutdown": 2,
            "set_blocking": 1,
            "bind_1": 1,
            "use_file": 4 if self.files else 0,
            "lseek": 2 if self.files else 0,
            "cancel": 5,
            "then": 8,
            **STORAGE_WEIGHTS,
            "pick": 2,
            "turn": 8,
            "settle": 4,
            "pipe": 1,
            "socketpair": 2,
            "datagrams": 1,
            "named": 1,
        }

    def beginning(self) -> list[Form]:
        ends: list[Form] = [("vectors", 0), self.make_append()]
        name = self.weighted(
            {"pipe": 3, "socketpair": 6, "small_socketpair": 3, "datagrams": 4, "openfile": 3}
        )
        if name == "openfile":
            return [*ends, ("openfile", *self.new_file(), 0, "both")]
        return [self.pair(name), *ends, *(self.make_vectors() for _ in range(self.number(2)))]

    def statements(self) -> list[Form]:
        name = self.weighted(self.weights())
        if name == "named":
            return self.named()
        if name == "exchange":
            return self.exchange()
        if name in {"pipe", "socketpair", "datagrams"}:
            return [self.pair(name)]
        return [self.statement(name)]

    def pair(self, name: str) -> Form:
        a, b = self.next_descriptor % 12, (self.next_descriptor + 1) % 12
        self.pairs = [pair for pair in self.pairs if not {a, b} & set(pair)]
        if name != "pipe":
            self.pairs.append((a, b))
        return super().pair(name)

    def socket(self) -> int:
        """Return a slot that mostly has a socket."""
        if not self.pairs or self.number(12) == 0:
            return self.descriptor()
        return self.pairs[self.number(len(self.pairs))][self.number(2)]

    def exchange(self) -> list[Form]:
        """Make one socket send to the other, mostly with descriptors."""
        sender, receiver = self.pairs[self.number(len(self.pairs))]
        if self.number(2):
            sender, receiver = receiver, sender
        v = self.vector()
        send: Form = ("send_msg", self.new_promise(), sender, v, self.passed())
        receive: Form = ("recv_msg", self.new_promise(), receiver, self.vector(), self.received())
        both = [send, receive] if self.number(2) else [receive, send]
        return [("append", v, 5, 0, 5), *both] if self.number(3) else both

    def named(self) -> list[Form]:
        """Make a socket to which messages can be sent."""
        d, number = self.new_descriptor(), self.number(PATHS)
        self.sockets.append(d)
        self.readable.append(d)
        self.writable.append(d)
        return [("datagram_socket", d), ("bind_1", d, number)]

    def vector(self) -> int:
        return 0 if self.number(2) else self.number(VECTORS)

    def make_vectors(self) -> Form:
        return ("vectors", self.number(VECTORS))

    def make_append(self) -> Form:
        name = ("append", "append_bigarray")[self.number(2)]
        return (name, self.vector(), *self.range())

    def make_append_many(self) -> Form:
        return ("append_many", self.vector(), self.one_of((3, 1020, 1024, 1025, 1040)))

    def make_drop(self) -> Form:
        return ("drop", self.vector(), self.number(20) - 1)

    def make_count(self) -> Form:
        return ("count", self.vector())

    def make_readv(self) -> Form:
        return ("readv", self.new_promise(), self.from_where(), self.vector())

    def make_writev(self) -> Form:
        return ("writev", self.new_promise(), self.to_where(), self.vector())

    def from_where(self) -> int:
        return self.file() if self.files and self.number(3) == 0 else self.reader()

    def to_where(self) -> int:
        return self.file() if self.files and self.number(3) == 0 else self.writer()

    def passed(self) -> Form:
        """Make the slots of descriptors to be sent."""
        count = (0, 0, 1, 1, 1, 2, 3)[self.number(7)]
        return tuple(
            self.file() if self.number(4) == 0 else self.descriptor() for _ in range(count)
        )

    def make_send_msg(self) -> Form:
        return ("send_msg", self.new_promise(), self.socket(), self.vector(), self.passed())

    def make_send_msgto(self) -> Form:
        form = ("send_msgto", self.new_promise(), self.socket(), self.vector(), self.passed())
        return (*form, self.number(PATHS))

    def make_recv_msg(self) -> Form:
        return ("recv_msg", self.new_promise(), self.socket(), self.vector(), self.received())

    def received(self) -> int:
        """Return a slot for a descriptor that may come."""
        first = FIRST_RECEIVED + self.number(RECEIVED)
        for group in (self.readable, self.writable):
            if first not in group:
                group.append(first)
        return first

    def make_bigarray(self) -> Form:
        if self.number(2):
            return ("read_bigarray", self.new_promise(), self.from_where(), *self.range())
        return ("write_bigarray", self.new_promise(), self.to_where(), *self.range())

    def make_bind_1(self) -> Form:
        return ("bind_1", self.descriptor(), self.number(PATHS))

    def make_lseek(self) -> Form:
        return ("lseek", self.new_promise(), self.file(), 0, "set")
