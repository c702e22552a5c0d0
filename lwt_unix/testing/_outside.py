"""What would leave a simulated world: Python's own clocks, sockets, threads, processes, chance.

While a program runs in a world, some names of Python's modules stand for something else (`keep_inside`):

- clocks, sockets, threads, processes: an error at the call, which says what to use instead;
- `os.kill`, `signal.signal` and their kin: they act in the world;
- `random`, `os.urandom`, `uuid.uuid4`, `secrets`: chance begins with a seed that is one of the run's choices,
  made when it is first asked for. So a run that is replayed draws the same.

This is for the program. Python's own modules may use clocks, as `logging` does, but open no socket and start no
thread for the program. Tools that run tests, such as Hypothesis, may do what they like, and so may other
threads. A name that a module of the program has imported (`from time import time`) counts as the program's use.

What is not found: `datetime` where a function itself imports it; Python's own `open`; locks, queues and events of
`threading`, by which a program waits for itself; C libraries; and what the
program has kept elsewhere than in a variable of a module, as in the default of an argument (`clock=time.monotonic`).
"""

from __future__ import annotations

import datetime
import random
import sys
import threading
from collections.abc import Callable
from functools import partial
from random import getstate, setstate
from random import seed as seed_really
from types import FrameType, ModuleType
from typing import Any, Final, NamedTuple

from lwt_unix.testing._processes.signals import Signals
from lwt_unix.testing._sources import Choices
from lwt_unix.testing._world.world import PID, Not_simulated

_TOOLS: Final = frozenset(
    {
        *("hypothesis", "pytest", "_pytest", "pluggy", "coverage", "xdist", "execnet"),
        *("pytest_cov", "pytest_timeout", "pydevd", "_pydevd_bundle", "debugpy"),
    }
)
"""The packages that run tests."""

_PYTHON: Final = (sys.stdlib_module_names - {"test"}) | _TOOLS
"""These, and Python's own modules."""

_NOT_SEARCHED: Final = _PYTHON | {"lwt", "lwt_unix"}

# --- The run -----------------------------------------------------------------


class _Run:
    """A run in a world."""

    __slots__ = ("choices", "signals", "state", "thread")

    def __init__(self, choices: Choices, signals: Signals) -> None:
        self.choices = choices
        self.signals = signals
        self.thread = threading.get_ident()
        self.state: object = None
        """The state that Python's own generator had before the run, if the run uses it."""

    def seed_python(self) -> None:
        """Have Python's own generator begin with the run's seed, once."""
        if self.state is None:
            number = self.choices.chance().getrandbits(64)
            self.state = getstate()
            seed_really(number)


_run: _Run | None = None


def _inside(frame: FrameType, who_may: frozenset[str]) -> _Run | None:
    """Return the run, if this frame is of its program and none of who may leave the world.

    What Hypothesis does to draw a choice, such as to make a temporary file, is none of the program's.
    """
    run = _run
    if run is None or run.choices.is_drawing or threading.get_ident() != run.thread:
        return None
    name: str = frame.f_globals.get("__name__", "")
    return None if name.partition(".")[0] in who_may else run


# --- What stands in the place of names ---------------------------------------

_Function = Callable[..., Any]


class _Place(NamedTuple):
    """A name that stands for something else: `make` makes that, of the name and what it really is."""

    module: str
    name: str
    make: Callable[[str, _Function], _Function]


def _refused(instead: str, who_may: frozenset[str]) -> Callable[[str, _Function], _Function]:
    def make(name: str, real: _Function) -> _Function:
        def refuse(*arguments: Any, **keywords: Any) -> Any:
            if _inside(sys._getframe(1), who_may) is None:
                return real(*arguments, **keywords)
            raise Not_simulated(f"{name}: this would leave the simulated world; {instead}")

        return refuse

    return make


def _refused_without_argument(instead: str, argument: int) -> Callable[[str, _Function], _Function]:
    """Refuse a function that looks at the clock if it gets no time as its argument."""

    def make(name: str, real: _Function) -> _Function:
        refuse = _refused(instead, frozenset())(name, real)

        def refuse_some(*arguments: Any) -> Any:
            has_time = len(arguments) > argument and arguments[argument] is not None
            if has_time or _inside(sys._getframe(1), _PYTHON) is None:
                return real(*arguments)
            return refuse(*arguments)

        return refuse_some

    return make


def _in_the_world(
    call: Callable[[_Run, _Function], _Function], who_may: frozenset[str]
) -> Callable[[str, _Function], _Function]:
    """Have a function act in the world: `call` returns what is called."""

    def make(_: str, real: _Function) -> _Function:
        def act(*arguments: Any, **keywords: Any) -> Any:
            run = _inside(sys._getframe(1), who_may)
            chosen = real if run is None else call(run, real)
            return chosen(*arguments, **keywords)

        return act

    return make


def _seeded(run: _Run, real: _Function) -> _Function:
    run.seed_python()
    return real


def _seed(_: str, real: _Function) -> _Function:
    """Make what stands in the place of `random.Random.seed`: without a seed, one comes from the run."""

    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        run = _inside(sys._getframe(1), _TOOLS) if a is None else None
        real(self, run.choices.chance().getrandbits(64) if run is not None else a, version)

    return seed


_CLOCKS: Final = (
    *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
    *("process_time", "process_time_ns", "thread_time", "thread_time_ns"),
    *("clock_gettime", "clock_gettime_ns"),
)
_OF_REAL_SIGNALS: Final = (
    *("alarm", "setitimer", "pause", "sigwait", "sigwaitinfo", "sigtimedwait"),
    *("pthread_kill", "pidfd_send_signal"),
)
_ABOUT_HOSTS: Final = (
    *("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"),
)
_STARTING: Final = ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system")
_ABOUT_PROCESSES: Final = (
    *("killpg", "wait", "wait3", "wait4", "waitid", "waitpid", "pidfd_open"),
    *("getpgid", "setpgid", "getsid", "getpriority", "setpriority"),
)

_NOW: Final = "lwt_engine.get().now() tells the time in it"
_SOCKETS: Final = "lwt_unix.socket makes one in it"
_THREADS: Final = "lwt_unix.run_job and lwt_preemptive.detach need no thread in it"
_PROCESSES: Final = "lwt_process starts stand-ins in it: testing.simulate(…, programs=…)"
_SIGNALS: Final = "testing.send_signal sends one in it"
_HOSTS: Final = "lwt_unix.getaddrinfo asks in it"


def _places() -> tuple[_Place, ...]:
    clock, sleep = _refused(_NOW, _PYTHON), _refused("lwt_unix.sleep waits in it", _PYTHON)
    socket, thread = _refused(_SOCKETS, _TOOLS), _refused(_THREADS, _TOOLS)
    process, host = _refused(_PROCESSES, _TOOLS), _refused(_HOSTS, _PYTHON)
    number = _refused("the numbers of its processes are other ones", _PYTHON)
    real_signal = _refused(_SIGNALS, _PYTHON)
    loop = _refused("asyncio's loop waits for the real one", _TOOLS)
    drawn = _in_the_world(_seeded, _TOOLS)
    random_bytes = _in_the_world(lambda run, _: run.choices.chance().randbytes, _TOOLS)
    flagged_bytes = _in_the_world(
        lambda run, _: lambda size, flags=0: run.choices.chance().randbytes(size), _TOOLS
    )
    of_random = (
        name
        for name, value in vars(random).items()
        if getattr(value, "__self__", None) is random._inst
    )
    return (
        *(_Place("time", name, clock) for name in _CLOCKS),
        *(
            _Place("time", name, _refused_without_argument(_NOW, argument))
            for name, argument in {"localtime": 0, "gmtime": 0, "ctime": 0, "strftime": 1}.items()
        ),
        _Place("time", "sleep", sleep),
        _Place("socket", "socket.__init__", socket),
        *(_Place("socket", name, socket) for name in ("socketpair", "fromfd", "create_connection")),
        *(_Place("socket", name, host) for name in _ABOUT_HOSTS),
        _Place("threading", "Thread.start", thread),
        _Place("_thread", "start_new_thread", thread),
        _Place("concurrent.futures.thread", "ThreadPoolExecutor.submit", thread),
        _Place("concurrent.futures.process", "ProcessPoolExecutor.submit", process),
        _Place("subprocess", "Popen.__init__", process),
        *(_Place("os", name, process) for name in _STARTING),
        *(_Place("os", name, number) for name in _ABOUT_PROCESSES),
        _Place("asyncio.events", "new_event_loop", loop),
        _Place("asyncio", "new_event_loop", loop),
        _Place("asyncio.base_events", "BaseEventLoop.run_forever", loop),
        _Place("uuid", "uuid1", clock),
        _Place("os", "times", clock),
        _Place("select", "select", _refused("lwt_unix.wait_read waits in it", _PYTHON)),
        *(_Place("signal", name, real_signal) for name in _OF_REAL_SIGNALS),
        _Place("os", "kill", _in_the_world(lambda run, _: run.signals.kill, _PYTHON)),
        _Place("os", "getpid", _in_the_world(lambda run, _: lambda: PID, _PYTHON)),
        _Place(
            "signal",
            "raise_signal",
            _in_the_world(lambda run, _: partial(run.signals.kill, PID), _PYTHON),
        ),
        _Place("signal", "signal", _in_the_world(lambda run, _: run.signals.set_signal, _PYTHON)),
        _Place(
            "signal", "getsignal", _in_the_world(lambda run, _: run.signals.get_signal, _PYTHON)
        ),
        _Place("os", "urandom", random_bytes),
        _Place("os", "getrandom", flagged_bytes),
        _Place("random", "_urandom", random_bytes),
        _Place("random", "Random.seed", _seed),
        *(_Place("random", name, drawn) for name in of_random),
    )


class _Real(type):
    """The class of what stands in the place of `datetime` and `date`: all but their clocks is as it really is."""

    real: type

    def __new__(mcls, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> Any:
        if "real" in names:
            return super().__new__(mcls, name, bases, names)
        return type(
            name, tuple(getattr(base, "real", base) for base in bases), names
        )  # The program's.

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        return cls.real(*arguments, **keywords)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.real)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.real

    def __hash__(cls) -> int:
        return hash(cls.real)


def _datetime_without_clocks() -> dict[int, Any]:
    """Return what stands in the place of module `datetime` and its classes, by what they really are.

    It stands in the modules of the program alone: nothing in C can be changed, and pickling asks the module.
    """
    module = ModuleType("datetime")
    vars(module).update(vars(datetime))
    instead: dict[int, Any] = {id(datetime): module}
    for real, clocks in (
        (datetime.datetime, ("now", "utcnow", "today")),
        (datetime.date, ("today",)),
    ):
        refuse = _refused(_NOW, _PYTHON)
        names: dict[str, Any] = {
            name: staticmethod(refuse(f"datetime.{real.__name__}.{name}", getattr(real, name)))
            for name in clocks
        }
        kind = _Real(real.__name__, (real,), {**names, "__module__": "datetime", "real": real})
        instead[id(real)] = vars(module)[real.__name__] = kind
    return instead


# --- Where the names are -----------------------------------------------------


class _Names:
    """All names that stand for something else during a run, as long as no more modules are imported."""

    __slots__ = ("in_classes", "in_modules", "modules")

    def __init__(self) -> None:
        self.modules = len(sys.modules)
        self.in_classes: list[tuple[type, str, _Function]] = []
        self.in_modules: list[tuple[dict[str, Any], dict[str, Any]]] = []
        new: dict[str, dict[str, Any]] = {}
        by_real: dict[int, Any] = _datetime_without_clocks()
        for place in _places():
            module = sys.modules.get(place.module)
            class_name, _, name = place.name.rpartition(".")
            owner = getattr(module, class_name, None) if class_name else module
            real = getattr(owner, name, None)
            if real is None:
                continue  # Nobody has imported it, or this Python has none.
            full_name = f"{place.module}.{place.name}".replace(".__init__", "")
            function = place.make(full_name, real)
            if isinstance(owner, type):
                self.in_classes.append((owner, name, function))
            else:
                by_real[id(real)] = function
                new.setdefault(place.module, {})[name] = function
        for module_name, module in list(sys.modules.items()):
            names = getattr(module, "__dict__", {})
            if module_name.partition(".")[0] not in _NOT_SEARCHED:
                found = {name: by_real.get(id(value)) for name, value in list(names.items())}
                imported = {name: value for name, value in found.items() if value is not None}
                if imported:
                    new.setdefault(module_name, {}).update(imported)
            if module_name in new:
                self.in_modules.append((names, new[module_name]))


_names: _Names | None = None


class keep_inside:
    """Have the names stand for something else, for a `with` block."""

    __slots__ = ("_classes", "_modules", "_run")

    def __init__(self, choices: Choices, signals: Signals) -> None:
        self._run = _Run(choices, signals)
        self._classes: list[tuple[type, str, Any]] = []
        self._modules: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def __enter__(self) -> None:
        global _run, _names
        if _names is None or _names.modules != len(sys.modules):
            _names = _Names()
        try:
            for names, new in _names.in_modules:
                self._modules.append((names, {name: names[name] for name in new}))
                names.update(new)
            for owner, name, function in _names.in_classes:
                self._classes.append((owner, name, vars(owner)[name]))
                setattr(owner, name, function)
            _run = self._run
        except BaseException:  # Such as KeyboardInterrupt, which comes at any time.
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        global _run
        _run = None
        for owner, name, function in self._classes:
            setattr(owner, name, function)
        for names, real in reversed(self._modules):
            names.update(real)
        if self._run.state is not None:
            setstate(self._run.state)  # type: ignore[arg-type]  # it is one
