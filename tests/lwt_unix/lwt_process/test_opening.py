"""`open_process_none` and its kin, `with_process_none` and its kin."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main, lwt_process

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

KINDS = ["none", "in", "out", "", "full"]


def named(what: str, kind: str) -> Any:
    return getattr(lwt_process, f"{what}_{kind}".rstrip("_"))


@pytest.mark.parametrize("kind", KINDS)
def test_opening_makes_an_object_of_the_class(kind: str) -> None:
    opened = named("open_process", kind)(("", ["true"]))
    assert type(opened) is named("process", kind)
    assert isinstance(opened, lwt_process.process_none)
    assert lwt_main.run(opened.close()) == lwt_unix.WEXITED(0)


@pytest.mark.parametrize("kind", KINDS)
def test_with_closes_the_process_and_returns_what_the_function_does(kind: str) -> None:
    seen: list[Any] = []

    async def use(process: Any) -> int:
        seen.append(process)
        await lwt.pause()
        return 5

    assert lwt_main.run(named("with_process", kind)(("", ["cat"]), use, **stdin(kind))) == 5
    assert isinstance(seen[0].state, lwt_process.Exited)


@pytest.mark.parametrize("kind", KINDS)
def test_with_closes_the_process_also_if_the_function_fails(kind: str) -> None:
    seen: list[Any] = []

    def use(process: Any) -> lwt.Promise[None]:
        seen.append(process)
        raise LookupError

    with pytest.raises(LookupError):
        lwt_main.run(named("with_process", kind)(("", ["cat"]), use, **stdin(kind)))
    assert isinstance(seen[0].state, lwt_process.Exited)


def stdin(kind: str) -> dict[str, str]:
    return {"stdin": "Dev_null"} if kind in {"none", "in"} else {}


@pytest.mark.parametrize("kind", KINDS)
def test_errors_name_the_function_that_was_called(kind: str) -> None:
    for what in ("open_process", "with_process", "process"):
        function = named(what, kind)
        others = [lambda _: lwt.return_unit] if what == "with_process" else []
        with pytest.raises(
            TypeError, match=rf"^lwt_process\.{function.__name__}: expected a command"
        ):
            function("ls", *others)


def test_a_function_that_returns_no_promise_is_told() -> None:
    use: Any = lambda _: 3  # noqa: E731  (it is to be shown)
    with pytest.raises(TypeError, match=r"^lwt_process\.with_process_none: callback "):
        lwt_main.run(lwt_process.with_process_none(("", ["true"]), use))


def test_two_processes_can_be_joined_by_a_pipe() -> None:
    async def main() -> bytes:
        reading, writing = lwt_unix.pipe(cloexec=True)
        first = lwt_process.open_process_none(
            ("", ["echo", "hello"]), stdout=("FD_move", lwt_unix.unix_file_descr(writing))
        )
        second = lwt_process.open_process_in(
            ("", ["tr", "a-z", "A-Z"]), stdin=("FD_move", lwt_unix.unix_file_descr(reading))
        )
        text = await lwt_io.read(second.stdout)
        await first.close()
        await second.close()
        return text

    assert lwt_main.run(main()) == b"HELLO\n"
