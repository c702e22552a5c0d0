"""Finalisers that return promises: when they are called, what is waited for, exceptions, the end of the process."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt import lwt_sequence
from lwt_unix import lwt_gc, lwt_main
from tests.support.programs import in_child, run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

Finalise = Callable[[Callable[[], lwt.Promise[None]], object], None]
both = pytest.mark.parametrize("finalise", [lwt_gc.finalise, lwt_gc.finalise_or_exit])


class Thing:
    """What is finalised."""

    def method(self) -> lwt.Promise[None]:
        return lwt.return_unit


@pytest.fixture
def log() -> list[str]:
    return []


def noting(log: list[str], text: str) -> Callable[[], lwt.Promise[None]]:
    def note() -> lwt.Promise[None]:
        log.append(text)
        return lwt.return_unit

    return note


def turn() -> None:
    lwt_main.run(lwt_unix.sleep(0.0))


def exit_hooks() -> int:
    """How many there are beside that of `lwt_io`."""
    return lwt_sequence.length(lwt_main.Exit_hooks._hooks) - 1


@both
def test_the_function_is_called_in_the_main_loop_after_the_object_was_freed(
    finalise: Finalise, log: list[str]
) -> None:
    thing = Thing()
    finalise(noting(log, "called"), thing)
    turn()
    assert log == []
    del thing
    assert log == []
    turn()
    turn()
    assert (log, exit_hooks()) == (["called"], 0)


@both
def test_an_object_of_a_circle_is_finalised_when_the_collector_finds_it(
    finalise: Finalise, log: list[str]
) -> None:
    things = [Thing(), Thing()]
    vars(things[0])["other"], vars(things[1])["other"] = things[1], things[0]
    finalise(noting(log, "called"), things[0])
    del things
    turn()
    gc.collect()
    turn()
    assert log == ["called"]


@both
def test_an_object_may_be_freed_in_another_thread(finalise: Finalise, log: list[str]) -> None:
    def called() -> lwt.Promise[None]:
        log.append(str(threading.get_ident()))
        return lwt.return_unit

    things = [Thing()]
    finalise(called, things[0])
    thread = threading.Thread(target=things.clear)
    thread.start()
    thread.join()
    turn()
    assert log == [str(threading.get_ident())]


@both
def test_several_functions_of_one_object_are_all_called(finalise: Finalise, log: list[str]) -> None:
    thing = Thing()
    for text in ("first", "second"):
        finalise(noting(log, text), thing)
    del thing
    turn()
    assert sorted(log) == ["first", "second"]


def test_the_process_waits_at_its_end_for_what_a_function_has_begun(log: list[str]) -> None:
    promise, resolver = lwt.wait()
    thing = Thing()
    lwt_gc.finalise(lambda: promise, thing)
    assert exit_hooks() == 0
    del thing
    turn()
    assert exit_hooks() == 1
    lwt.wakeup(resolver, None)
    assert exit_hooks() == 0


@both
def test_a_function_that_raises_leaves_through_the_main_loop(finalise: Finalise) -> None:
    def fail() -> lwt.Promise[None]:
        raise LookupError("no")

    thing = Thing()
    finalise(fail, thing)
    del thing
    with pytest.raises(LookupError, match="no"):
        turn()


@both
def test_a_rejection_is_reported_as_one_that_cannot_be_raised(
    finalise: Finalise, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda it: reported.append(it.exc_value))

    async def fail() -> None:
        await lwt.pause()
        raise LookupError("no")

    thing = Thing()
    finalise(fail, thing)  # type: ignore[arg-type]  # a coroutine may stand for a promise
    del thing
    turn()
    turn()
    assert [repr(exn) for exn in reported] == ["LookupError('no')"]
    assert exit_hooks() == 0


@both
def test_an_object_that_cannot_be_referred_to_weakly_is_refused(finalise: Finalise) -> None:
    for value in (3, "text", (1,), [1], {1: 2}):
        with pytest.raises(TypeError, match="expected an object that can be referred to weakly"):
            finalise(lambda: lwt.return_unit, value)


@both
def test_a_function_that_keeps_the_object_alive_is_refused(finalise: Finalise) -> None:
    thing = Thing()

    def with_default(x: Thing = thing) -> lwt.Promise[None]:
        return x.method()

    functions: list[Callable[[], lwt.Promise[None]]] = [
        thing.method,
        lambda: lwt.bind(thing.method(), lwt.return_),
        partial(Thing.method, thing),
        partial(partial(Thing.method), self=thing),
        with_default,
    ]
    for function in functions:
        with pytest.raises(ValueError, match="the function refers to the object, which so is"):
            finalise(function, thing)
    assert exit_hooks() == 0


def program(lines: str) -> list[str]:
    run = run_code(f"""
import lwt, lwt_unix
from lwt_unix import lwt_gc, lwt_main
class Thing: pass
async def slowly():
    print("begins")
    await lwt_unix.sleep(0.001)
    print("ends")
thing = Thing()
{lines}
print("last line")
""")
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.splitlines()


def test_an_object_that_is_there_at_the_end_is_finalised_only_if_that_was_asked_for() -> None:
    assert program("lwt_gc.finalise(slowly, thing)") == ["last line"]
    assert program("lwt_gc.finalise_or_exit(slowly, thing)") == ["last line", "begins", "ends"]


@pytest.mark.parametrize("name", ["finalise", "finalise_or_exit"])
def test_an_object_that_was_freed_before_the_end_is_finalised_once(name: str) -> None:
    freed = f"lwt_gc.{name}(slowly, thing)\ndel thing"
    expected = ["last line", "begins", "ends"]
    if name == "finalise_or_exit":  # At the end without the main loop, that is the exit hook.
        assert program(freed) == expected
    in_the_loop = f"{freed}\nlwt_main.run(lwt_unix.sleep(0.0))"
    assert program(in_the_loop) == ["begins", "last line", "ends"]


def test_a_child_process_finalises_its_own_copy(log: list[str]) -> None:
    things = [Thing()]
    lwt_gc.finalise(noting(log, "called"), things[0])

    def child() -> None:
        things.clear()
        turn()
        assert log == ["called"]

    assert in_child(child) == 0
    assert log == []
    things.clear()
    turn()
    assert log == ["called"]
