"""A labelled argument that is given by position: the error of every such function says its keyword."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt import lwt_condition, lwt_mutex
from lwt_unix import lwt_io
from tests.support.offered import OFFERED


def labels_of(function: Callable[..., object]) -> list[str]:
    """The keywords that a function takes."""
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]


LABELLED: dict[str, Any] = {
    path: value
    for path, value in OFFERED.items()
    if inspect.isfunction(value) and labels_of(value)
    if not path.startswith(
        "lwt_unix.testing."
    )  # Only Python has it: no arguments of OCaml's are there.
}


@pytest.mark.parametrize("path", LABELLED)
def test_one_argument_too_many_is_told_the_keywords(path: str) -> None:
    function = LABELLED[path]
    parameters = inspect.signature(function).parameters.values()
    given = [one for one in parameters if one.kind is one.POSITIONAL_ONLY]
    with pytest.raises(TypeError) as raised:
        function(*[object() for _ in given], 3)
    *others, last = [f"{label}=..." for label in labels_of(function)]
    written = f"{', '.join(others)} or {last}" if others else last
    module = function.__module__.rpartition(".")[2]
    required = [
        one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty
    ]
    name = f"{module}.{function.__qualname__}"
    if required:
        arguments = [*(one.name for one in given), *(f"{label}=..." for label in required)]
        written = f"{name}({', '.join(arguments)})"
    assert str(raised.value) == (
        f"{name}: 3 (int) is given by position, but it is a labelled argument: write {written}"
    )


@pytest.mark.parametrize("make", [lwt_io.make, lwt_io.of_fd, lwt_io.of_unix_fd])
def test_a_required_label_is_asked_for_where_nothing_was_given_for_it(make: Any) -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'mode'"):
        make(lwt_unix.stdin)


def test_the_common_slips() -> None:
    anything: Any = lwt_io
    with pytest.raises(
        TypeError, match=r"^lwt_io\.read: 3 \(int\) is given .*: write count=\.\.\.$"
    ):
        anything.read(lwt_io.zero, 3)
    wait: Any = lwt_condition.wait
    mutex = lwt_mutex.create()
    with pytest.raises(TypeError, match=rf"{re.escape(repr(mutex))} .* write mutex=\.\.\.$"):
        wait(lwt_condition.create(), mutex)


def no_input(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
    return lwt.return_(0)


@pytest.mark.parametrize("mode", [lwt_io.Input, lwt_io.Output])
@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [("of_fd", "fd", lwt_unix.stdin), ("of_unix_fd", "fd", 0), ("make", "perform_io", no_input)],
)
def test_the_mode_of_a_channel_given_first_or_last_is_shown_with_its_label(
    name: str, argument: str, value: object, mode: lwt_io.Mode
) -> None:
    make: Any = getattr(lwt_io, name)
    for arguments in ((mode, value), (value, mode)):
        with pytest.raises(TypeError) as caught:
            make(*arguments)
        assert str(caught.value) == (
            f"lwt_io.{name}: {mode} (Mode) is given by position, but it is a labelled argument: "
            f"write lwt_io.{name}({argument}, mode=lwt_io.{mode})"
        )


def test_an_argument_too_many_beside_its_keyword_is_refused_too() -> None:
    anything: Any = lwt.Let_syntax.Let_syntax
    with pytest.raises(TypeError, match=r"map: 3 \(int\) is given by position.*write f=\.\.\.$"):
        anything.map(lwt.return_unit, 3, f=lambda _: 3)
    of_fd: Any = lwt_io.of_fd
    with pytest.raises(TypeError, match=r"write mode=\.\.\., buffer=\.\.\. or close=\.\.\.$"):
        of_fd(lwt_unix.stdin, 3, mode=lwt_io.Input)
