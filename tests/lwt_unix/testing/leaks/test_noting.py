"""Where things were made: who takes notes puts everything back, and what is noted stays small."""

import threading

import pytest

import lwt
import lwt_unix
from lwt._core import exceptions
from lwt_unix import _system as system
from lwt_unix import lwt_engine, lwt_main
from lwt_unix._jobs import threads
from lwt_unix._processes import signals
from lwt_unix.testing._leaks.noting import here, noting, raised_at, told


def places() -> list[object]:
    """What is replaced while notes are taken."""
    return [
        type(lwt_engine.get()),
        vars(exceptions)["Rejection"],
        signals._add_handler,
        system.Popen,
        system.pipe,
        threading.Thread.start,
        threads.Call.run,
        threads.Pool.start,
    ]


def test_all_is_put_back_when_the_last_one_ends() -> None:
    before = places()
    noting.begin()
    noting.begin()
    meanwhile = places()
    noting.end()
    assert places() == meanwhile
    noting.end()
    assert places() == before
    assert all(one is not other for one, other in zip(before, meanwhile, strict=True))


def test_an_engine_that_is_set_meanwhile_takes_notes_and_is_put_back() -> None:
    usual, other = lwt_engine.get(), lwt_engine.select()
    noting.begin()
    try:
        lwt_engine.set(other, destroy=False)
        promise = lwt_unix.sleep(3600)
        assert [event.is_active for event in noting.events] == [True]
        lwt.cancel(promise)
        assert type(other) is not lwt_engine.select
    finally:
        noting.end()
        lwt_engine.set(usual)
    assert type(other) is lwt_engine.select


def test_an_engine_still_is_what_it_was() -> None:
    engine = lwt_engine.get()
    before = type(engine)
    noting.begin()
    try:
        assert isinstance(engine, before)
        assert (type(engine).__name__, type(engine).__module__) == (
            before.__name__,
            before.__module__,
        )
    finally:
        noting.end()


def test_what_is_over_is_forgotten_now_and_then() -> None:
    noting.begin()
    try:
        for _ in range(1000):
            lwt.state(lwt.fail(ValueError()))
            lwt.cancel(lwt_unix.sleep(3600))
            lwt_main.run(lwt_unix.run_job(int))
        assert len(noting.rejections) < 200
        assert len(noting.events) < 200
        assert len(noting.tasks) < 200
    finally:
        noting.end()
    assert not (noting.rejections or noting.events or noting.tasks or noting.descriptors)


def test_places_are_the_lines_of_the_user_s_innermost_first() -> None:
    def inner() -> list[str]:
        return told(here())

    lines = lwt.map(lambda _: inner(), lwt.return_unit)
    texts = lwt_main.run(lines)
    assert [text.split(", in ")[1] for text in texts] == [
        f"{test_places_are_the_lines_of_the_user_s_innermost_first.__qualname__}.<locals>.{name}"
        for name in ("inner", "<lambda>")
    ] + [test_places_are_the_lines_of_the_user_s_innermost_first.__qualname__]
    assert texts[0].startswith("at tests/lwt_unix/testing/leaks/test_noting.py:")
    assert texts[1].startswith("called from tests/")


def test_the_place_of_an_exception_is_where_it_was_raised() -> None:
    def inner() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong") as raised:
        inner()
    assert told(raised_at(raised.value.__traceback__))[0].endswith("<locals>.inner")
    assert raised_at(None) == ()
