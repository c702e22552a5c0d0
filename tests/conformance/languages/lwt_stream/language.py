"""Random programs over streams: the language, and how to make programs in it.

There are four slots for streams of numbers, three for promises of `task` ("futures"; one
that is resolved makes room for a new one), and a growing row of results. A statement is a
function of `lwt_stream` and its arguments: first the slot for the stream that it makes, then
those of the streams that it takes, then numbers, then the endings of its callback, one for
each call:

- a number: return it, or what the callback should return made of it;
- `(wait K)`: return a promise that follows a future; where no promise is wanted, return 1;
- `fail`, `raise`: return a rejected promise, or raise;
- `(do STATEMENT... ENDING)`: execute statements first.

`push`, `close` and `resize` act on what pushes into a stream; `cancel`, `ignore_result` and `when`
(with an ending for its callback) take a result. `with_value` and `without_value` are those of
`storage.py`. Streams of other things than
numbers are made and mapped back within one statement. A trace tells every call of a callback
and every result when it comes, both with what is in the storage, and after each statement all
results and the state of the bounded streams. It tells which streams are closed each time.

    (create 0) (filter 1 0 1 (wait 0) 1) (get 1) (push 0 7) (close 0) (wakeup 0 1)

`run.py` runs programs on our library, `ocaml/lwt_stream_programs.ml` on OCaml's.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.languages.storage import STORAGE_SIGNATURES, make_under_storage

# D a slot for a stream, S and T slots of streams, F a future, N a number; * endings, C one
SIGNATURES: Final[dict[str, str]] = {
    **STORAGE_SIGNATURES,
    "create": "D",
    "create_bounded": "D N",
    "from": "D *",
    "from_direct": "D *",
    "return": "D N",
    "return_lwt": "D F",
    "of_list": "D N",
    "of_array": "D N",
    "of_seq": "D N",
    "of_lwt_seq": "D N",
    "of_string": "D N",
    "clone": "D S",
    "push": "S N",
    "close": "S",
    "resize": "S N",
    "wakeup": "F N",
    "wakeup_later": "F N",
    "wakeup_exn": "F",
    "cancel": "N",
    "ignore_result": "N",
    "when": "N C",
    "peek": "S",
    "get": "S",
    "next": "S",
    "last_new": "S",
    "junk": "S",
    "is_empty": "S",
    "closed": "S",
    "to_list": "S",
    "to_string": "S",
    "npeek": "S N",
    "nget": "S N",
    "njunk": "S N",
    "junk_available": "S",
    "get_available": "S",
    "get_available_up_to": "S N",
    "get_while": "S *",
    "get_while_s": "S *",
    "junk_while": "S *",
    "junk_while_s": "S *",
    "iter": "S *",
    "iter_s": "S *",
    "iter_p": "S *",
    "iter_n": "S N *",
    "fold": "S *",
    "fold_s": "S *",
    "find": "S *",
    "find_s": "S *",
    "find_map": "S *",
    "find_map_s": "S *",
    "map": "D S *",
    "map_s": "D S *",
    "filter": "D S *",
    "filter_s": "D S *",
    "filter_map": "D S *",
    "filter_map_s": "D S *",
    "map_list": "D S *",
    "map_list_s": "D S *",
    "flatten": "D S *",
    "append": "D S T",
    "concat": "D S T",
    "combine": "D S T",
    "choose": "D S T",
    "wrap_exn": "D S",
    "hexdump": "D S",
    "parse": "S *",
}
SOURCES: Final = ["create"] * 4 + ["create_bounded"] * 2 + ["from"] * 3 + ["from_direct"]
COMMON: Final = [
    *SOURCES,
    *["push"] * 25,
    *["wakeup"] * 4,
    "wakeup_later",
    "close",
    "get",
    "cancel",
    "ignore_result",
    *["when"] * 2,
    *["with_value"] * 4,
]
NAMES: Final = [*SIGNATURES, *COMMON]
STREAMS: Final = 4
FUTURES: Final = 3
NUMBERS: Final = {
    "D": (0, 1, 1, 2, 2, 3, 3),
    "S": (0, 0, 0, 0, 1, 1, 2, 3),  # Some stream should be in much use.
    "T": (0, 1, 2, 3),
    "F": range(FUTURES),
    "N": range(6),
}
PUSHING: Final = {"push", "close", "resize"}


def make(random: Random) -> Program:
    """Make a program."""
    first = tuple((random.choice(SOURCES), slot) for slot in range(2))
    sources = tuple((*form, 2) if form[0] == "create_bounded" else form for form in first)
    return sources + tuple(_statement(random, 0) for _ in range(random.randrange(3, 25)))


def _statement(random: Random, depth: int) -> Form:
    name = random.choice(NAMES)
    if name in STORAGE_SIGNATURES:
        length = random.randrange(4) if depth < 2 else 0
        block = [_statement(random, depth + 1) for _ in range(length)]
        return make_under_storage(random.randrange, name, lambda: block)
    kinds = SIGNATURES[name].split()
    arguments: list[Form] = [random.choice(NUMBERS[kind]) for kind in kinds if kind in NUMBERS]
    if name == "push":
        arguments[1] += 1
    if name == "parse" and depth < 2:
        reading = (random.choice(("get", "junk", "get_available", "next")), arguments[0])
        arguments.append(("do", reading, _ending(random, depth + 1)))
    elif name == "when":
        arguments.append(_ending(random, depth))
    elif "*" in kinds:
        arguments += [_ending(random, depth) for _ in range(random.randrange(5))]
    return (name, *arguments)


def _ending(random: Random, depth: int) -> Form:
    chance = random.random()
    if chance < 0.5:
        return random.randrange(8)
    if chance < 0.75:
        return ("wait", random.randrange(FUTURES))
    if chance < 0.8:
        return "fail"
    if chance < 0.84 or depth >= 2:
        return "raise"
    return ("do", _statement(random, depth + 1), _ending(random, depth + 1))
