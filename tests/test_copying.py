"""Plain values are copied and pickled; what has an identity refuses all three with a clear error.

Every public class is here: a new one must be listed on one side or the other.
"""

import copy
import enum
import inspect
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt import (
    lwt_condition,
    lwt_mutex,
    lwt_mvar,
    lwt_pool,
    lwt_pqueue,
    lwt_seq,
    lwt_sequence,
    lwt_stream,
    lwt_switch,
)
from lwt_unix import lwt_engine, lwt_fmt, lwt_io, lwt_main, lwt_process, lwt_throttle, lwt_timeout
from tests.support.offered import OFFERED


def with_traceback(exception: Exception) -> Exception:
    """An exception that has been raised, so that it has a traceback."""
    try:
        raise exception
    except type(exception):
        return exception


# --- The two sides -----------------------------------------------------------

TERMINAL: dict[str, Any] = {field.name: True for field in fields(lwt_unix.Terminal_io)}

PLAIN: list[Any] = [
    lwt.Some(3),
    lwt.Ok(3),
    lwt.Error(with_traceback(ValueError("no"))),
    lwt.Return(3),
    lwt.Fail(with_traceback(ValueError("no"))),
    lwt.Sleep,
    lwt.Ref(3),
    lwt_seq.Nil,
    lwt_seq.Cons(1, lwt_seq.empty),
    lwt_pqueue.Make().empty,
    lwt_unix.Opened,
    lwt_unix.Closed,
    lwt_unix.Aborted(with_traceback(ValueError("no"))),
    lwt_unix.ADDR_INET("127.0.0.1", 80),
    lwt_unix.ADDR_UNIX("/path"),
    lwt_unix.Credentials(1, 2, 3),
    lwt_unix.Host_entry("a.org", [], lwt_unix.PF_INET, ["192.0.2.1"]),
    lwt_unix.Protocol_entry("tcp", ["TCP"], 6),
    lwt_unix.Service_entry("http", ["www"], 80, "tcp"),
    lwt_unix.AI_FAMILY(lwt_unix.PF_INET),
    lwt_unix.AI_SOCKTYPE(lwt_unix.SOCK_STREAM),
    lwt_unix.AI_PROTOCOL(6),
    lwt_unix.Addr_info(
        lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 6, lwt_unix.ADDR_INET("192.0.2.1", 80), ""
    ),
    lwt_unix.Name_info("a.org", "http"),
    lwt_unix.Passwd_entry("root", "x", 0, 0, "root", "/root", "/bin/sh"),
    lwt_unix.Group_entry("root", "x", 0, []),
    lwt_unix.Terminal_io(**TERMINAL),
    lwt_unix.Stats(1, 2, lwt_unix.S_REG, 0o644, 1, 0, 0, 0, 5, 1.5, 2.5, 3.5),
    lwt_fmt.String(b"abc", 0, 3),
    lwt_unix.WEXITED(3),
    lwt_unix.WSIGNALED(9),
    lwt_unix.WSTOPPED(19),
    lwt_unix.Resource_usage(0.5, 0.25),
    lwt_process.Exited(lwt_unix.WEXITED(3)),
    lwt_engine.Engine_id__select,
    lwt_engine.Engine_id__poll,
    lwt_engine.Engine_id__libev(lwt_engine.Ev_backend.default),
]


def exceptions() -> list[Exception]:
    """One of each public exception, with a traceback."""
    return [
        with_traceback(value(4096))
        for value in dict.fromkeys(OFFERED.values())
        if isinstance(value, type) and issubclass(value, Exception)
    ]


def constants() -> list[enum.Enum]:
    """Each public constant."""
    members = [value for value in OFFERED.values() if isinstance(value, enum.Enum)]
    for value in OFFERED.values():
        if isinstance(value, enum.EnumType):
            members.extend(value)
    return list(dict.fromkeys(members))


def direct_access() -> object:
    """What `lwt_io.direct_access` passes on."""
    given: list[object] = []

    def take(access: lwt_io.Direct_access) -> lwt.Promise[None]:
        given.append(access)
        return lwt.return_unit

    lwt_io.direct_access(lwt_io.zero, take)
    return given[0]


def signal_handler() -> object:
    """A handler of a signal, disabled again."""
    handler = lwt_unix.on_signal(10, lambda _: None)
    lwt_unix.disable_signal_handler(handler)
    return handler


def server() -> object:
    """A server that is shut down again."""
    made = lwt_main.run(
        lwt_io.establish_server_with_client_socket(
            ("127.0.0.1", 0), lambda address, client: lwt.return_unit
        )
    )
    lwt_main.run(lwt_io.shutdown_server(made))
    return made


def ended(kind: type[lwt_process.process_none]) -> object:
    """A process that has ended."""
    made = kind(("", ["true"]))
    lwt_main.run(made.close())
    return made


ENGINES = [
    value
    for value in dict.fromkeys(OFFERED.values())
    if isinstance(value, type)
    and issubclass(value, lwt_engine.abstract)
    and not inspect.isabstract(value)
]


@contextmanager
def engine(kind: type[lwt_engine.abstract]) -> Iterator[object]:
    """An engine, where the system has such a one."""
    if kind is lwt_engine.kqueue and sys.platform == "linux":
        pytest.skip("Linux has no kqueue")
    made = kind()
    try:
        yield made
    finally:
        made.destroy()


UNIQUE: dict[str, Callable[[], object]] = {
    "lwt.Promise": lambda: lwt.wait()[0],
    "lwt.Resolver": lambda: lwt.wait()[1],
    "lwt.Key": lwt.new_key,
    "lwt.lwt_condition.Condition": lwt_condition.create,
    "lwt.lwt_mutex.Mutex": lwt_mutex.create,
    "lwt.lwt_mvar.Mvar": lwt_mvar.create_empty,
    "lwt.lwt_pool.Pool": lambda: lwt_pool.create(1, lambda: lwt.return_unit),
    "lwt.lwt_sequence.Sequence": lwt_sequence.create,
    "lwt.lwt_sequence.Node": lambda: lwt_sequence.add_l(3, lwt_sequence.create()),
    "lwt.lwt_stream.Stream": lambda: lwt_stream.of_list([1]),
    "lwt.lwt_stream.bounded_push": lambda: lwt_stream.create_bounded(1)[1],
    "lwt.lwt_switch.Switch": lwt_switch.create,
    "lwt_unix.File_descr": lambda: lwt_unix.stdin,
    "lwt_unix.IO_vectors.t": lwt_unix.IO_vectors.create,
    "lwt_unix.Dir_handle": lambda: lwt_main.run(lwt_unix.opendir("/")),
    "lwt_unix.Notification": lambda: lwt_unix.make_notification(print),
    "lwt_unix.Signal_handler_id": signal_handler,
    "lwt_unix.lwt_engine.Event": lambda: lwt_engine.fake_event,
    "lwt_unix.lwt_io.InputChannel": lambda: lwt_io.zero,
    "lwt_unix.lwt_io.OutputChannel": lambda: lwt_io.null,
    "lwt_unix.lwt_io.NumberIO": lambda: lwt_io.LE,
    "lwt_unix.lwt_io.Server": server,
    "lwt_unix.lwt_io.Direct_access": direct_access,
    "lwt_unix.lwt_throttle.Throttle": lambda: lwt_throttle.Make().create(rate=1, max=1, n=1),
    "lwt_unix.lwt_timeout.Timeout": lambda: lwt_timeout.create(1, print),
    "lwt_unix.lwt_main.Hooks": lambda: lwt_main.Exit_hooks,
    "lwt_unix.lwt_fmt.Formatter": lambda: lwt_fmt.stdout,
    "lwt_unix.lwt_fmt.Pretty_printer": lambda: lwt_fmt.get_formatter(lwt_fmt.stdout),
    "lwt_unix.lwt_process.process_none": lambda: ended(lwt_process.process_none),
    "lwt_unix.lwt_process.process_in": lambda: ended(lwt_process.process_in),
    "lwt_unix.lwt_process.process_out": lambda: ended(lwt_process.process_out),
    "lwt_unix.lwt_process.process": lambda: ended(lwt_process.process),
    "lwt_unix.lwt_process.process_full": lambda: ended(lwt_process.process_full),
}

WITHOUT_OBJECTS = {
    "lwt.Exception_filter": "a nested module",
    "lwt.Infix": "a nested module",
    "lwt.Let_syntax": "a nested module",
    "lwt.Let_syntax.Let_syntax": "a nested module",
    "lwt.Let_syntax.Let_syntax.Open_on_rhs": "a nested module",
    "lwt.Syntax": "a nested module",
    "lwt.Private": "a nested module",
    "lwt.lwt_pqueue.OrderedType": "a module type: what users pass",
    "lwt.lwt_pqueue.S": "a module type: what `Make` returns",
    "lwt.lwt_result.Infix": "a nested module",
    "lwt.lwt_result.Let_syntax": "a nested module",
    "lwt.lwt_result.Let_syntax.Let_syntax": "a nested module",
    "lwt.lwt_result.Let_syntax.Let_syntax.Open_on_rhs": "a nested module",
    "lwt.lwt_result.Syntax": "a nested module",
    "lwt_unix.LargeFile": "a nested module",
    "lwt_unix.IO_vectors": "a nested module",
    "lwt_unix.Versioned": "a nested module",
    "lwt_unix.lwt_bytes.Io_vector": "it has a memoryview, which Python does not copy",
    "lwt_unix.lwt_engine.Ev_backend": "a nested module",
    "lwt_unix.lwt_engine.Engine_id": "only its subclasses have objects",
    "lwt_unix.lwt_engine.Versioned": "a nested module",
    "lwt_unix.lwt_io.Channel": "only its subclasses have objects",
    "lwt_unix.lwt_io.Versioned": "a nested module",
    "lwt_unix.lwt_direct.Storage": "a nested module",
    "lwt_unix.lwt_throttle.HashedType": "a module type: what users pass",
    "lwt_unix.lwt_throttle.S": "a module type: what `Make` returns",
}
"""Public classes of which there is nothing to copy, or nothing to say."""


def test_every_public_class_is_on_one_side() -> None:
    classes = {
        f"{value.__module__}.{value.__qualname__}": value
        for value in OFFERED.values()
        if isinstance(value, type) and value.__module__.startswith("lwt")
        if not value.__module__.startswith("lwt_unix.testing")  # A thing of one run of one test.
    }
    plain = {type(value) for value in [*PLAIN, *exceptions(), *constants()]}
    engines = {name for name, value in classes.items() if issubclass(value, lwt_engine.abstract)}
    listed = engines | set(UNIQUE) | set(WITHOUT_OBJECTS)
    assert {name for name, value in classes.items() if value not in plain} == listed


# --- Copying -----------------------------------------------------------------

WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def shown(value: object) -> str:
    """What a value is called: the same in each process."""
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


@ways
@pytest.mark.parametrize("value", PLAIN, ids=shown)
def test_a_plain_value_is_copied_and_pickled(
    value: object, way: Callable[[object], object]
) -> None:
    again = way(value)
    assert (type(again), repr(again)) == (type(value), repr(value))


@ways
@pytest.mark.parametrize("exception", exceptions(), ids=lambda exception: type(exception).__name__)
def test_an_exception_is_copied_and_pickled(
    exception: Exception, way: Callable[[Exception], Exception]
) -> None:
    again = way(exception)
    assert (type(again), again.args) == (type(exception), exception.args)


@ways
@pytest.mark.parametrize(
    "value", [*constants(), lwt_engine.Engine_id__select, lwt_engine.Engine_id__poll], ids=repr
)
def test_a_constant_stays_itself(value: object, way: Callable[[object], object]) -> None:
    assert way(value) is value


@pytest.mark.parametrize(
    "value", [value for value in PLAIN if not isinstance(value, lwt_pqueue.Queue)], ids=shown
)
def test_a_plain_value_is_pickled_under_its_public_name(value: object) -> None:
    assert b"._" not in pickle.dumps(value)


def test_an_aborted_state_is_equal_to_its_copy() -> None:
    state = lwt_unix.Aborted(with_traceback(ValueError("no")))
    assert [way(state) == state for way in WAYS.values()] == [True] * len(WAYS)


REFUSED = (
    "a {} cannot be copied or pickled: others know it by its identity, which a copy would not have; "
    "pass the object itself on, or the values that it gives"
)


@ways
@pytest.mark.parametrize("name", UNIQUE)
def test_what_has_an_identity_refuses(name: str, way: Callable[[object], object]) -> None:
    unique = UNIQUE[name]()
    with pytest.raises(TypeError) as raised:
        way(unique)
    assert str(raised.value) == REFUSED.format(name)


@ways
@pytest.mark.parametrize("kind", ENGINES, ids=lambda kind: kind.__qualname__)
def test_an_engine_refuses(
    kind: type[lwt_engine.abstract], way: Callable[[object], object]
) -> None:
    with engine(kind) as made, pytest.raises(TypeError) as raised:
        way(made)
    assert str(raised.value) == REFUSED.format(f"{kind.__module__}.{kind.__qualname__}")


def test_what_holds_a_promise_cannot_be_copied_deeply() -> None:
    held = {"answer": lwt.return_(3)}
    assert copy.copy(held) == held
    with pytest.raises(TypeError, match=r"^a lwt\.Promise cannot be copied"):
        copy.deepcopy(held)
