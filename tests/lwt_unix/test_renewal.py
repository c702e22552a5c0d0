"""A fresh beginning of all state of `lwt_unix`."""

import signal
import threading
from collections.abc import AsyncGenerator, Callable
from types import GetSetDescriptorType, MemberDescriptorType

import lwt
import lwt_unix
from lwt._core.renewal import renew as renew_lwt
from lwt_unix import (
    _asyncgens,
    _ending,
    lwt_direct,
    lwt_engine,
    lwt_fmt,
    lwt_io,
    lwt_main,
    lwt_preemptive,
    lwt_timeout,
)
from lwt_unix._descriptors.emptied import emptied
from lwt_unix._jobs import jobs, notifications
from lwt_unix._processes import children, interrupts, parting, signals
from lwt_unix._renewal import renew
from lwt_unix.lwt_engine._base import main_loop
from lwt_unix.lwt_engine._current import turn
from lwt_unix.lwt_fmt._formatters import _of_channels
from lwt_unix.lwt_io._channel import _outputs
from lwt_unix.lwt_preemptive._workers import at_work
from tests.support.modules import listed_state
from tests.support.programs import in_child


def attributes_of(thing: object) -> object:
    """Read all attributes that a class with `__slots__` has."""
    return [
        getattr(thing, name)
        for name, member in vars(type(thing)).items()
        if isinstance(member, MemberDescriptorType | GetSetDescriptorType) and name != "__weakref__"
    ]


def of_channel(channel: lwt_io.Channel) -> object:
    buffer = channel._buffer
    return channel._state, buffer.size, buffer.offset, buffer.bounds()


STATE: dict[str, Callable[[], object]] = {
    "lwt_engine._current._current": lambda: (lwt_engine.id(), lwt_engine.timer_count()),
    "lwt_engine._current.turn": lambda: turn.number,
    "lwt_engine._base.main_loop": lambda: attributes_of(main_loop),
    "lwt_main._running": lwt_main._running.locked,
    "lwt_main._thread": lambda: lwt_main._thread.contents,
    "lwt_main._left_by": lambda: lwt_main._left_by.contents,
    "_asyncgens._begun": lambda: list(_asyncgens._begun),
    "_asyncgens.dropped": lambda: list(_asyncgens.dropped),
    "_asyncgens._closing": lambda: list(_asyncgens._closing),
    "_ending._ender": lambda: (_ending._ender.has_begun, _ending._ender.status),
    "_ending.exit_patience": lambda: lwt_main.exit_patience.contents,
    "lwt_main.Enter_iter_hooks": lambda: repr(lwt_main.Enter_iter_hooks),
    "lwt_main.Leave_iter_hooks": lambda: repr(lwt_main.Leave_iter_hooks),
    "lwt_main.Exit_hooks": lambda: repr(lwt_main.Exit_hooks),
    "_jobs.notifications._sent": lambda: list(notifications._sent),
    "_jobs.notifications._pipe": lambda: notifications._pipe,
    "_jobs.notifications._is_wanted": lambda: notifications._is_wanted,
    "_jobs.threads.pool": lambda: (lwt_unix.pool_size(), lwt_unix.thread_count()),
    "_jobs.methods._default": lwt_unix.default_async_method,
    "_jobs.jobs._jobs": lambda: list(jobs._jobs),
    "lwt_preemptive._workers.workers": lambda: (
        lwt_preemptive.get_bounds(),
        lwt_preemptive.nbthreads(),
    ),
    "lwt_preemptive._workers.at_work": lambda: list(at_work),
    "lwt_timeout._clock": lambda: (lwt_timeout._clock.is_running, lwt_timeout._clock.count),
    "_descriptors.emptied.emptied": lambda: (emptied.descriptor, emptied.last_end),
    "_descriptors.file_descr.stdin": lambda: attributes_of(lwt_unix.stdin),
    "_descriptors.file_descr.stdout": lambda: attributes_of(lwt_unix.stdout),
    "_descriptors.file_descr.stderr": lambda: attributes_of(lwt_unix.stderr),
    "_processes.signals._signals": lambda: list(signals._signals),
    "_processes.signals._pipe": lambda: signals._pipe,
    "_processes.children._waits": lambda: (children._waits.count, children._waits.handler),
    "_processes.interrupts._current": lambda: interrupts._current,
    "_processes.parting._kept": parting.depth,
    "lwt_io._channel._outputs": lambda: set(_outputs),
    "lwt_io._create._default_buffer_size": lwt_io.default_buffer_size,
    "lwt_io._create.zero": lambda: of_channel(lwt_io.zero),
    "lwt_io._create.null": lambda: of_channel(lwt_io.null),
    "lwt_io._create.stdin": lambda: of_channel(lwt_io.stdin),
    "lwt_io._create.stdout": lambda: of_channel(lwt_io.stdout),
    "lwt_io._create.stderr": lambda: of_channel(lwt_io.stderr),
    "lwt_fmt._formatters._of_channels": lambda: [list(one._orders) for one in _of_channels],
    "lwt_fmt._formatters.stdout": lambda: list(lwt_fmt.stdout._orders),
    "lwt_fmt._formatters.stderr": lambda: list(lwt_fmt.stderr._orders),
    "lwt_direct._tasks": lambda: list(lwt_direct._tasks),
    "lwt_direct._is_hooked": lambda: lwt_direct._is_hooked.contents,
}
"""What tells of each state how it is."""


def never_over(_: lwt_io.OutputChannel) -> lwt.Promise[None]:
    return lwt.wait()[0]


async def never_ending() -> AsyncGenerator[int, None]:
    while True:
        yield 1


def change_everything(end_of_the_job: threading.Event) -> list[object]:
    """Leave the process as no program should; return what is to be kept."""
    lwt_engine.set(lwt_engine.select())
    lwt_engine.on_timer(3600, False, print)
    lwt_engine.iter(False)
    lwt_io.set_default_buffer_size(100)
    lwt_main.run(lwt_io.read_char(lwt_io.zero))
    lwt_main.run(lwt_io.close(lwt_io.null))
    lwt_main.run(lwt_io.resize_buffer(lwt_io.stdin, 50))
    emptied.descriptor, emptied.last_end = lwt_unix.stdin, 5
    for descriptor in (lwt_unix.stdin, lwt_unix.stdout, lwt_unix.stderr):
        lwt_unix.abort(descriptor, ValueError())
    for hooks in (lwt_main.Enter_iter_hooks, lwt_main.Leave_iter_hooks):
        hooks.add_first(print)
    lwt_main.at_exit(lwt.pause)
    main_loop.dropped = [1]
    lwt_main._running.acquire()
    lwt_main._thread.contents = 1
    lwt_main._left_by.contents = "MemoryError"
    _ending.begin()
    _ending.end_with(SystemExit(5))
    lwt_main.exit_patience.contents = 0.5
    lwt_unix.on_signal(signal.SIGUSR1, print)
    lwt_unix.set_pool_size(1)
    lwt_unix.run_job(end_of_the_job.wait)
    lwt_preemptive.detach(end_of_the_job.wait)
    lwt_timeout.start(lwt_timeout.create(1, print))
    notifications.want_way()
    lwt_unix.send_notification(lwt_unix.make_notification(print))
    lwt_unix.set_default_async_method(lwt_unix.Async_none)
    lwt_unix.sigchld_handler_installer()
    interrupts.Cancelling().__enter__()
    parting.keep_waiting()
    lwt_io.write(lwt_io.stdout, "never written")
    lwt_io.atomic(never_over)(lwt_io.stderr)
    for formatter in (lwt_fmt.stdout, lwt_fmt.stderr):
        formatter._orders.append(lwt_fmt.Flush)
    lwt_direct.spawn(print)
    generator = never_ending()
    _asyncgens._note(generator)
    _asyncgens.dropped.append(generator)
    _asyncgens._closing.append(lwt.wait()[0])
    return [generator, lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Output)]


def test_the_table_has_all_state_of_the_guide() -> None:
    ends_with_its_run = {"lwt_unix.testing._simulate._current", "lwt_unix.testing._outside._run"}
    listed = listed_state("lwt_unix") - ends_with_its_run
    assert {f"lwt_unix.{name}" for name in STATE} == listed


def test_a_renewal_begins_all_state_afresh() -> None:
    renew()
    at_first = {name: read() for name, read in STATE.items()}
    end_of_the_job = threading.Event()
    kept = change_everything(end_of_the_job)
    assert kept
    unchanged = [name for name, read in STATE.items() if read() == at_first[name]]
    renew()
    assert {name: read() for name, read in STATE.items()} == at_first
    assert unchanged == []
    end_of_the_job.set()


def test_a_renewal_puts_back_how_a_signal_was_handled() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    for _ in range(2):
        lwt_unix.on_signal(signal.SIGUSR1, print)
    renew()
    assert signal.getsignal(signal.SIGUSR1) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_forked_child_may_begin_afresh_and_run_a_main_loop_of_its_own() -> None:
    async def sleep() -> str:
        await lwt_unix.sleep(0.0)
        return "slept"

    def begin_afresh() -> None:
        renew_lwt()
        renew()
        assert lwt_main.run(sleep()) == "slept"

    async def fork() -> int:
        return in_child(begin_afresh)

    assert lwt_main.run(fork()) == 0
