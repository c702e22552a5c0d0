"""Scripts of input and output over descriptors: their statements, and making random ones.

A script is a row of statements, as in `(pipe 0 1) (read 0 0 5 0 5) (write 1 1 3 0 3) (settle)`.
Descriptors, promises and channels are kept in numbered slots: d0, p0, c0. A statement whose
slot is empty does nothing. The words:

    (pipe A B) (socketpair A B) (small_socketpair A B) (datagrams A B)    make two descriptors
    (dup A B) (dup2 A B)                     make d B a copy of d A
    (read P D SIZE OFFSET LENGTH)            p P reads, into a buffer of SIZE bytes
    (write P D SIZE OFFSET LENGTH)           ... writes, of SIZE letters; write_string, send too
    (recv P D SIZE OFFSET LENGTH PEEK) (recvfrom P D LENGTH) (sendto P D SIZE PATH)
    (fill D) (drain D)                       write or read until the system says "not now"
    (wait_read P D) (wait_write P D) (readable D) (writable D)
    (wrap_syscall P D read (OUTCOME ...))    a call of the script's own; register_action too
    (close P D) (abort D E) (state D) (check_descriptor D) (shutdown D COMMAND)
    (blocking P D) (set_blocking D 0)
    (socket D) (datagram_socket D) (bind P D PATH) (listen D BACKLOG) (connect P D PATH)
    (accept P D CLIENT) (accept_n P D COUNT CLIENT) (getsockname D) (getpeername D)
    (openfile P D FILE FLAGS) (lseek P D OFFSET WHENCE) (ftruncate P D LENGTH) (fsync P D) (fstat P D)
    (pread P D SIZE OFFSET LENGTH PLACE) (pwrite P D SIZE OFFSET LENGTH PLACE) (isatty P D)
    (truncate P FILE LENGTH) (stat P FILE) (rename P FILE FILE) (chmod P FILE PERMS) (mkdir P FILE)
                                             ... lstat, file_exists, unlink, link, symlink, readlink,
                                             access, rmdir, files_of_directory
    (notification N ONCE (STATEMENT ...)) (send_notification N) (set_notification N (STATEMENT ...))
                                             ... stop_notification, call_notification
    (cancel P) (then P (STATEMENT ...)) (pick P (Q ...)) (protected P Q) (pause P) (ignore_result P)
    (with_value K V STATEMENT ...) (without_value K STATEMENT ...)    see languages/storage.py
    (wakeup P VALUE) (wakeup_exn P E)        of promises that others left to the script
    (turn) (settle)                          turn the main loop once; until nothing happens

An OUTCOME is what an action does when it is tried: `(retry)`, `(retry_read)`, `(retry_write)`,
`(again)`, `(fail)`, `(value)`, each with statements to be run before.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.languages.storage import make_under_storage

READERS: Final = ("read", "recv", "recvfrom")
PROMISES: Final = 10
PATHS: Final = 3
FILES: Final = 4
NOTIFICATIONS: Final = 3
FLAGS: Final = ("read", "write", "both", "both", "append", "new")
ON_FILES: Final = (
    *("stat", "lstat", "file_exists", "unlink", "readlink", "access", "mkdir", "rmdir"),
    *("files_of_directory", "rename", "link", "symlink", "truncate", "chmod"),
)
ON_DESCRIPTORS: Final = ("pread", "pwrite", "lseek", "ftruncate", "fsync", "fstat", "isatty")
NOT_IN_CALLBACKS: Final = ("turn", "settle", "call_notification")
NOTIFYING: Final = (
    *("notification", "send_notification", "send_notification", "send_notification"),
    *("stop_notification", "call_notification", "set_notification"),
)
STORAGE_WEIGHTS: Final = {"ignore_result": 3, "with_value": 6, "without_value": 1}
SIZES: Final = (0, 1, 2, 3, 4, 5, 8, 16, 17, 40, 100)


class UnixMaker:
    """Makes scripts; the weights let most statements find what they need."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.readable: list[int] = []
        self.writable: list[int] = []
        self.listeners: list[int] = []
        self.sockets: list[int] = []
        self.files: list[int] = []
        self.promises: list[int] = []
        self.copies: set[tuple[int, int]] = set()
        self.next_descriptor = 0
        self.depth = 0

    # Choosing

    def number(self, bound: int) -> int:
        """Return a number below `bound`."""
        return int(self.random.random() * bound)

    def one_of(self, things: list[int] | tuple[int, ...]) -> int:
        return things[self.number(len(things))]

    def weighted(self, choices: dict[str, int]) -> str:
        left = self.number(sum(choices.values()))
        for name, weight in choices.items():
            left -= weight
            if left < 0:
                return name
        raise AssertionError

    def new_promise(self) -> int:
        slot = self.number(PROMISES)
        if slot not in self.promises:
            self.promises.append(slot)
        return slot

    def promise(self) -> int:
        return self.one_of(self.promises) if self.promises else 0

    def new_descriptor(self) -> int:
        slot = self.next_descriptor % 12
        self.next_descriptor += 1
        for group in (self.readable, self.writable, self.listeners, self.sockets, self.files):
            if slot in group:
                group.remove(slot)
        return slot

    def descriptor(self) -> int:
        everything = self.readable + self.writable + self.listeners + self.sockets
        return self.one_of(everything) if everything else 0

    def reader(self) -> int:
        if self.readable and self.number(20):
            # The same one again and again, so that several wait for it.
            return self.readable[0] if self.number(2) else self.one_of(self.readable)
        return self.descriptor()

    def writer(self) -> int:
        if self.writable and self.number(20):
            return self.writable[0] if self.number(3) == 0 else self.one_of(self.writable)
        return self.descriptor()

    def range(self) -> tuple[int, int, int]:
        """Return the size of a buffer, an offset and a length, nearly always within it."""
        size = self.one_of(SIZES)
        if self.number(3):
            return size, 0, size
        offset = self.number(size + 1)
        length = self.number(size - offset + 1)
        if self.number(15) == 0:
            length += size
        if self.number(30) == 0:
            offset = -1
        if self.number(40) == 0:
            length = -1
        return size, offset, length

    # Statements

    def program(self) -> Program:
        statements: list[Form] = []
        for _ in range(1 + self.number(2)):
            statements.extend(self.beginning())
        for _ in range(3 + self.number(14)):
            statements.extend(self.statements())
        statements.append(("settle",))
        return tuple(statements)

    def beginning(self) -> list[Form]:
        """Make what others need."""
        name = self.weighted(
            {
                "pipe": 4,
                "socketpair": 5,
                "small_socketpair": 3,
                "datagrams": 1,
                "listener": 3,
                "openfile": 5,
            }
        )
        if name == "openfile":
            return [("openfile", *self.new_file(), self.number(FILES), "both")]
        if name == "listener":
            return self.listener()
        return [self.pair(name)]

    def pair(self, name: str) -> Form:
        a, b = self.new_descriptor(), self.new_descriptor()
        self.readable.append(a)
        self.writable.append(b)
        if name != "pipe":
            self.readable.append(b)
            self.writable.append(a)
        return (name, a, b)

    def listener(self) -> list[Form]:
        d, number = self.new_descriptor(), self.number(PATHS)
        self.listeners.append(d)
        statements: list[Form] = [
            ("socket", d),
            ("bind", self.new_promise(), d, number),
            ("listen", d, 1 + self.number(5)),
        ]
        for _ in range(self.number(3)):
            statements.extend(self.client(number))
        return statements

    def client(self, number: int) -> list[Form]:
        d = self.new_descriptor()
        self.sockets.append(d)
        self.readable.append(d)
        self.writable.append(d)
        return [("socket", d), ("connect", self.new_promise(), d, number)]

    def statements(self) -> list[Form]:
        name = self.weighted(self.weights())
        if name in {"pipe", "socketpair", "small_socketpair", "datagrams"}:
            return [self.pair(name)]
        if name == "listener":
            return self.listener()
        if name == "client":
            return self.client(self.number(PATHS))
        return [self.statement(name)]

    def weights(self) -> dict[str, int]:
        """Return what statements a script may go on with, and how likely each is."""
        return {
            "read": 16,
            "recv": 3,
            "recvfrom": 2,
            "write": 10,
            "write_string": 2,
            "send": 2,
            "write_text": 1,
            "sendto": 1,
            "fill": 3,
            "drain": 4,
            "wait_read": 3,
            "wait_write": 3,
            "readable": 1,
            "writable": 1,
            "wrap_syscall": 5,
            "register_action": 5,
            "close": 5,
            "abort": 3,
            "state": 1,
            "check_descriptor": 1,
            "shutdown": 3,
            "blocking": 1,
            "set_blocking": 1,
            "dup": 1,
            "dup2": 1,
            "accept": 4 if self.listeners else 0,
            "accept_n": 2 if self.listeners else 0,
            "client": 3 if self.listeners else 0,
            "getsockname": 1,
            "getpeername": 1,
            "openfile": 3,
            "on_file": 8,
            "on_descriptor": 9 if self.files else 2,
            "use_file": 8 if self.files else 0,
            "notify": 8,
            "cancel": 6,
            "then": 9,
            **STORAGE_WEIGHTS,
            "pick": 3,
            "protected": 1,
            "pause": 2,
            "turn": 6,
            "settle": 4,
            "listener": 1,
            "pipe": 1,
            "socketpair": 1,
            "datagram_socket": 1,
            "bind": 1,
            "listen": 1,
            "connect": 1,
        }

    def statement(self, name: str) -> Form:
        make: Callable[[], Form] | None = getattr(self, f"make_{name}", None)
        if make is not None:
            return make()
        if name in {"turn", "settle"}:
            return (name,)
        if name in {"wait_read", "wait_write", "close", "blocking"}:
            d = self.writer() if name == "wait_write" else self.reader()
            return (name, self.new_promise(), d)
        if name in {"write", "write_string", "send"}:
            return (name, self.new_promise(), self.writer(), *self.range())
        if name in {"fill", "writable"}:
            return (name, self.writer())
        if name in {"wrap_syscall", "register_action"}:
            direction = ("read", "write")[self.number(2)]
            d = self.reader() if direction == "read" else self.writer()
            return (name, self.new_promise(), d, direction, self.outcomes())
        return (name, self.descriptor())  # readable, drain, state, getsockname and their kin

    def make_drain(self) -> Form:
        return ("drain", self.reader())

    def make_read(self) -> Form:
        return ("read", self.new_promise(), self.reader(), *self.range())

    def make_recv(self) -> Form:
        peek = int(self.number(4) == 0)
        return ("recv", self.new_promise(), self.reader(), *self.range(), peek)

    def make_recvfrom(self) -> Form:
        return ("recvfrom", self.new_promise(), self.reader(), self.one_of(SIZES))

    def make_write_text(self) -> Form:
        return ("write_text", self.new_promise(), self.writer(), "abNcRNd")

    def make_sendto(self) -> Form:
        return ("sendto", self.new_promise(), self.writer(), 5, self.number(PATHS))

    def make_abort(self) -> Form:
        return ("abort", self.descriptor(), self.number(3))

    def make_shutdown(self) -> Form:
        command = ("receive", "send", "send", "all")[self.number(4)]
        return ("shutdown", self.descriptor(), command)

    def make_set_blocking(self) -> Form:
        return ("set_blocking", self.descriptor(), 0)

    def make_dup(self) -> Form:
        a, b = self.descriptor(), self.new_descriptor()
        self.readable.append(b)
        self.writable.append(b)
        self.copies.add((a, b))
        return ("dup", a, b)

    def make_dup2(self) -> Form:
        a, b = self.descriptor(), self.descriptor()
        if a == b or (b, a) in self.copies:
            return self.make_dup()  # Copies of each other are more than OCaml can bear.
        self.copies.add((a, b))
        return ("dup2", a, b)

    def make_datagram_socket(self) -> Form:
        d = self.new_descriptor()
        self.sockets.append(d)
        return ("datagram_socket", d)

    def make_bind(self) -> Form:
        return ("bind", self.new_promise(), self.descriptor(), self.number(PATHS))

    def make_listen(self) -> Form:
        return ("listen", self.descriptor(), 3)

    def make_connect(self) -> Form:
        return ("connect", self.new_promise(), self.descriptor(), self.number(PATHS))

    def listening(self) -> int:
        return self.one_of(self.listeners) if self.listeners else self.descriptor()

    def make_accept(self) -> Form:
        return ("accept", self.new_promise(), self.listening(), self.accepted())

    def make_accept_n(self) -> Form:
        count = 1 + self.number(3)
        return ("accept_n", self.new_promise(), self.listening(), count, self.accepted())

    def accepted(self) -> int:
        slot = 12 + self.number(6)
        if slot not in self.readable:
            self.readable.append(slot)
            self.writable.append(slot)
        return slot

    # Files

    def new_file(self) -> tuple[int, int]:
        """Return slots for a promise and for the file that it opens."""
        promise, slot = self.new_promise(), self.new_descriptor()
        self.files.append(slot)
        return promise, slot

    def file(self) -> int:
        return self.one_of(self.files) if self.files and self.number(9) else self.descriptor()

    def make_openfile(self) -> Form:
        return ("openfile", *self.new_file(), self.number(FILES), FLAGS[self.number(len(FLAGS))])

    def make_on_file(self) -> Form:
        name = ON_FILES[self.number(len(ON_FILES))]
        form = (name, self.new_promise(), self.number(FILES))
        if name in {"rename", "link", "symlink"}:
            return (*form, self.number(FILES))
        if name == "truncate":
            return (*form, self.number(30))
        return (*form, (0o600, 0o755, 0o444)[self.number(3)]) if name == "chmod" else form

    def make_on_descriptor(self) -> Form:
        name = ON_DESCRIPTORS[self.number(len(ON_DESCRIPTORS))]
        form = (name, self.new_promise(), self.file())
        if name in {"pread", "pwrite"}:
            return (*form, *self.range(), self.number(40) - 1)
        if name == "lseek":
            return (*form, self.number(40) - 10, ("set", "cur", "end")[self.number(3)])
        return (*form, self.number(30)) if name == "ftruncate" else form

    def make_use_file(self) -> Form:
        """Make a statement that others have, too, for a file."""
        name = ("read", "read", "write", "write", "write_string", "close")[self.number(6)]
        form = (name, self.new_promise(), self.file())
        return form if name == "close" else (*form, *self.range())

    def make_notify(self) -> Form:
        name, slot = NOTIFYING[self.number(len(NOTIFYING))], self.number(NOTIFICATIONS)
        if name == "notification":
            return (name, slot, self.number(2), self.block())
        return (name, slot, self.block()) if name == "set_notification" else (name, slot)

    def make_cancel(self) -> Form:
        return ("cancel", self.promise())

    def make_then(self) -> Form:
        return ("then", self.promise(), self.block())

    def make_ignore_result(self) -> Form:
        return ("ignore_result", self.promise())

    def make_with_value(self) -> Form:
        return make_under_storage(self.number, "with_value", self.block)

    def make_without_value(self) -> Form:
        return make_under_storage(self.number, "without_value", self.block)

    def make_pick(self) -> Form:
        promises = tuple(self.promise() for _ in range(1 + self.number(2)))
        return ("pick", self.new_promise(), promises)

    def make_protected(self) -> Form:
        promise = self.promise()
        return ("protected", self.new_promise(), promise)

    def make_pause(self) -> Form:
        return ("pause", self.new_promise())

    def make_wakeup(self) -> Form:
        return ("wakeup", self.promise(), self.one_of(SIZES))

    def make_wakeup_exn(self) -> Form:
        return ("wakeup_exn", self.promise(), 1 + self.number(3))

    def block(self) -> Form:
        """Make statements for a callback.

        Callbacks don't turn the main loop. Nor do they call notifications, which could call themselves.
        """
        self.depth += 1
        statements: list[Form] = []
        if self.depth < 4:
            for _ in range(1 + self.number(3)):
                statements.extend(self.statements())
        self.depth -= 1
        return tuple(form for form in statements if form[0] not in NOT_IN_CALLBACKS)

    def outcomes(self) -> Form:
        words = ("retry", "retry", "retry_read", "retry_write", "again", "value", "fail")
        outcomes: list[Form] = []
        for _ in range(self.number(4)):
            block = self.block() if self.number(5) == 0 else ()
            outcomes.append((words[self.number(len(words))], *block))
        return tuple(outcomes)


def all_pairs(makers: dict[str, set[str]], takers: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Return the pairs of a statement that makes something and one that takes such a thing."""
    return {
        (maker, taker)
        for kind, names in makers.items()
        for maker in names
        for taker in takers[kind]
    }
