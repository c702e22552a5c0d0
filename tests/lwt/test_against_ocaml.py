"""What the original did: programs, and the traces that Lwt 5.6.1 on OCaml printed for them.

`answers_of_ocaml.txt` holds them in paragraphs: a sentence, the program in the
form that `tests/conformance/languages/lwt/language.py` describes, and its trace. In a
line of a trace stand the event, the two values in storage and the states of all
promises in the order in which they were made. Ends of statements are left out
where nothing was called. (OCaml cannot tell `[]` from `()` there, nor a list from
pairs; these were rewritten.)

Version 6.1 does the same in all that is recorded here.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

import lwt
from tests.conformance.forms import Program, parse
from tests.conformance.languages.lwt.run import Run
from tests.conformance.languages.lwt.subjects import Lwt as ByLwt
from tests.conformance.languages.lwt.subjects import Model as ByModel


class Answer(NamedTuple):
    what: str
    program: Program
    trace: list[str]


def answers() -> list[Answer]:
    text = Path(__file__).with_name("answers_of_ocaml.txt").read_text(encoding="utf-8")
    result = []
    for paragraph in text.strip().split("\n\n"):
        what, program, *trace = [line.strip() for line in paragraph.splitlines()]
        result.append(Answer(what, parse(program), trace))
    return result


def told(trace: list[str]) -> list[str]:
    """Leave out the statements that ran nothing, except the last."""
    is_end = [line.startswith("statement") for line in trace]
    return [
        line.strip()
        for number, line in enumerate(trace)
        if not is_end[number]
        or "raises" in line
        or number == len(trace) - 1
        or not is_end[number - 1]
    ]


@pytest.mark.parametrize("answer", answers(), ids=lambda answer: answer.what)
def test_lwt_does_what_ocaml_did(answer: Answer) -> None:
    with closing(ByLwt()) as subject:
        trace = Run(subject, random_choices=False).run(answer.program)
    assert told(trace) == answer.trace


@pytest.mark.parametrize("answer", answers(), ids=lambda answer: answer.what)
def test_the_model_does_what_ocaml_did(answer: Answer) -> None:
    assert told(Run(ByModel(), random_choices=False).run(answer.program)) == answer.trace


def test_wakeups_nested_in_callbacks_run_at_once_at_any_depth_as_in_ocaml() -> None:
    """OCaml's limit of 42 levels concerns no public function; of 60 none is deferred."""
    depth = 60
    promises: list[tuple[lwt.Promise[None], lwt.Resolver[None]]] = [
        lwt.wait() for _ in range(depth + 1)
    ]
    events: list[str] = []

    def attach(level: int) -> None:
        def wake_the_next(_: None) -> None:
            events.append(f"in {level}")
            lwt.wakeup(promises[level + 1][1], None)
            events.append(f"out {level}")

        lwt.on_success(promises[level][0], wake_the_next)

    for level in range(depth):
        attach(level)
    lwt.wakeup(promises[0][1], None)
    inwards = [f"in {level}" for level in range(depth)]
    assert events == inwards + [f"out {level}" for level in reversed(range(depth))]
