"""Making a program smaller while it still shows what it shows.

Works on the forms of any language: leave out statements, put the statements of a callback in
the place of the statement that it belongs to, make callbacks and numbers simpler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from tests.conformance.forms import Form, Program

IsStatement = Callable[[Form], bool]


def shrink(
    program: Program, is_statement: IsStatement, still: Callable[[Program], bool]
) -> Program:
    """Return a program as small as can be found of which `still` holds, as it does of `program`."""
    progress = True
    while progress:
        progress = False
        for smaller in _smaller_programs(program, is_statement):
            if smaller != program and still(smaller):
                program = smaller
                progress = True
                break
    renumbered: Program = _renumbered(program, count(1))
    return renumbered if still(renumbered) else program


def _renumbered(form: Form, numbers: Iterator[int]) -> Form:
    """Number callbacks anew, in the order in which they stand."""
    if not isinstance(form, tuple):
        return form
    if form and form[0] == "do":
        return ("do", next(numbers), *(_renumbered(part, numbers) for part in form[2:]))
    return tuple(_renumbered(part, numbers) for part in form)


def _smaller_programs(program: Program, is_statement: IsStatement) -> Iterator[Program]:
    """Yield programs that are simpler by one change: the boldest first."""
    for size in (8, 4, 2):
        for start in range(0, len(program), size):
            yield program[:start] + program[start + size :]
    yield from _smaller_rows(program, is_statement)


def _smaller_rows(row: tuple[Form, ...], is_statement: IsStatement) -> Iterator[tuple[Form, ...]]:
    for index, form in enumerate(row):
        before, after = row[:index], row[index + 1 :]
        if is_statement(form):
            yield before + after
            for inner in _statements_within(form, is_statement):
                yield before + inner + after
    for index, form in enumerate(row):
        for smaller in _smaller_forms(form, is_statement):
            yield (*row[:index], smaller, *row[index + 1 :])


def _statements_within(form: Form, is_statement: IsStatement) -> Iterator[tuple[Form, ...]]:
    """Yield the rows of statements in the blocks of a statement."""
    for part in form:
        if isinstance(part, tuple) and part and part[0] == "do":
            inner = tuple(x for x in part if is_statement(x))
            if inner:
                yield inner
    inner = tuple(x for x in form if is_statement(x))
    if inner:
        yield inner


def _smaller_forms(form: Form, is_statement: IsStatement) -> Iterator[Form]:
    if isinstance(form, int):
        if form > 0:
            yield 0
            yield form // 2
            yield form - 1
    elif isinstance(form, tuple) and form:
        head, *rest = form
        if head == "do":
            number, *statements, end = rest
            for simpler_end in (("return", 0), ("argument",), ("raise", 1)):
                if (
                    isinstance(end, tuple)
                    and end != simpler_end
                    and end[0] in {"promise", "rejected", "return"}
                ):
                    yield ("do", number, *statements, simpler_end)
            for row in _smaller_rows(tuple(statements), is_statement):
                yield ("do", number, *row, end)
            for smaller_end in _smaller_forms(end, is_statement):
                yield ("do", number, *statements, smaller_end)
        elif isinstance(head, str):
            for row in _smaller_rows(tuple(rest), is_statement):
                yield (head, *row)
        else:  # a list of slots
            for index in range(len(form)):
                yield form[:index] + form[index + 1 :]
            yield from _smaller_rows(form, is_statement)
