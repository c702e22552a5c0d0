"""What would leave a simulated world is an error at the call; chance begins with a seed of the run."""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import pickle
import random
import secrets
import socket
import subprocess
import threading
import time
import uuid
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from datetime import datetime as imported_class
from time import monotonic as imported_clock

import hypothesis
import pytest
from hypothesis import strategies

import lwt
import lwt_unix
from lwt_unix import lwt_preemptive, testing


def in_the_world(f: Callable[[], object]) -> object:
    """What a function returns that is called by a program in a simulated world."""

    async def main() -> object:
        return f()

    return testing.simulate(main)


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        ("time.time()", r"time\.time: .*lwt_engine\.get\(\)\.now\(\)"),
        ("time.time_ns()", r"time\.time_ns: .*now"),
        ("time.monotonic()", r"time\.monotonic: .*now"),
        ("time.perf_counter()", r"time\.perf_counter: .*now"),
        ("time.process_time()", r"time\.process_time: .*now"),
        ("time.clock_gettime(time.CLOCK_MONOTONIC)", r"time\.clock_gettime: .*now"),
        ("imported_clock()", r"time\.monotonic: .*now"),
        ("time.localtime()", r"time\.localtime: .*now"),
        ("time.localtime(None)", r"time\.localtime: .*now"),
        ('time.strftime("%H")', r"time\.strftime: .*now"),
        ("time.sleep(0.0)", r"time\.sleep: .*lwt_unix\.sleep"),
        ("socket.socket()", r"socket\.socket: .*lwt_unix\.socket"),
        ("socket.socketpair()", r"socket\.socketpair: "),
        ('socket.create_connection(("127.0.0.1", 9))', r"socket\.create_connection: "),
        ('socket.getaddrinfo("localhost", 80)', r"getaddrinfo: .*lwt_unix\.getaddrinfo"),
        ("threading.Thread(target=print).start()", r"Thread\.start: .*run_job"),
        ("threading.Timer(0.0, print).start()", r"Thread\.start: "),
        ("ThreadPoolExecutor().submit(print)", r"ThreadPoolExecutor\.submit: "),
        ('subprocess.run(["true"], check=False)', r"subprocess\.Popen: .*programs"),
        ("os.fork()", r"os\.fork: .*lwt_process"),
        ('os.system("true")', r"os\.system: "),
        ("asyncio.new_event_loop()", r"new_event_loop: "),
        ("os.killpg(os.getpid(), 0)", r"os\.killpg: .*numbers of its processes are other ones"),
        ("os.waitpid(-1, 0)", r"os\.waitpid: "),
        ("os.getpriority(os.PRIO_PROCESS, os.getpid())", r"os\.getpriority: "),
        ("os.times()", r"os\.times: "),
        (
            '__import__("signal").pthread_kill(threading.get_ident(), 0)',
            r"pthread_kill: .*send_signal",
        ),
        ("uuid.uuid1()", r"uuid\.uuid1: "),
        ("datetime.datetime.now()", r"datetime\.datetime\.now: .*lwt_engine\.get\(\)\.now\(\)"),
        ("datetime.datetime.now(datetime.UTC)", r"datetime\.datetime\.now: "),
        ("imported_class.utcnow()", r"datetime\.datetime\.utcnow: "),
        ("imported_class.today()", r"datetime\.datetime\.today: "),
        ("date.today()", r"datetime\.date\.today: "),
        ('__import__("signal").alarm(1)', r"signal\.alarm: .*send_signal"),
        ('__import__("signal").setitimer(0, 1.0)', r"signal\.setitimer: "),
        ('__import__("signal").sigwait([10])', r"signal\.sigwait: "),
        ('__import__("select").select([], [], [], 1.0)', r"select\.select: .*wait_read"),
    ],
)
def test_it_is_an_error_that_says_what_to_use(call: str, instead: str) -> None:
    with pytest.raises(testing.Not_simulated, match=instead):
        in_the_world(lambda: eval(call))


def test_dates_are_as_they_are_but_for_their_clocks() -> None:
    before = datetime.datetime(2020, 1, 2, 3)

    def look() -> list[object]:
        made = imported_class(2020, 1, 2, 3)
        parsed = imported_class.fromisoformat("2020-01-02T03:00")
        found = 0
        match made:
            case datetime.datetime(year=year):
                found = year

        class Of_program(imported_class):
            pass

        assert type(Of_program(2020, 1, 2)) is Of_program and not isinstance(made, Of_program)
        assert isinstance(before, imported_class) and isinstance(made, datetime.date)
        assert issubclass(imported_class, date) and pickle.loads(pickle.dumps(made)) == made
        assert datetime.datetime == imported_class
        return [made == before == parsed, type(made) is type(before), found]

    assert in_the_world(look) == [True, True, 2020]
    assert in_the_world(lambda: imported_class.strptime("2020", "%Y")) == imported_class(2020, 1, 1)
    assert type(imported_class) is type
    assert imported_class.now() >= before


def test_a_function_that_a_job_calls_cannot_leave_either() -> None:
    async def main() -> None:
        with pytest.raises(testing.Not_simulated, match=r"time\.sleep"):
            await lwt_preemptive.detach(time.sleep, 0.0)
        with pytest.raises(testing.Not_simulated, match=r"time\.time"):
            await lwt_unix.run_job(time.time)

    testing.simulate(main)


def test_an_executor_that_has_threads_already_cannot_be_used() -> None:
    async def main() -> None:
        with pytest.raises(testing.Not_simulated, match=r"ThreadPoolExecutor\.submit"):
            await lwt_preemptive.detach_on(executor, print)

    with ThreadPoolExecutor() as executor:
        executor.submit(abs, 1).result()
        testing.simulate(main)


def test_what_looks_at_no_clock_may_be_called() -> None:
    moment = time.gmtime(0)
    assert in_the_world(lambda: time.gmtime(0)) == moment
    assert in_the_world(lambda: time.strftime("%Y", moment)) == "1970"


def test_pythons_own_modules_and_tools_may_use_clocks(caplog: pytest.LogCaptureFixture) -> None:
    def program() -> None:
        logging.getLogger("world").warning("hello")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn("careful", stacklevel=1)
        assert len(caught) == 1
        threading.Event().wait(0.0)

    in_the_world(program)
    assert caplog.messages == ["hello"]


def test_another_thread_may_do_what_it_likes() -> None:
    begin, got = threading.Event(), []

    def other() -> None:
        begin.wait()
        got.append(time.monotonic())

    thread = threading.Thread(target=other)
    thread.start()
    before = time.monotonic()

    def program() -> None:
        begin.set()
        thread.join()

    in_the_world(program)
    assert got[0] >= before


def test_afterwards_the_names_are_what_they_were() -> None:
    def names() -> dict[str, dict[str, object]]:
        modules = (time, socket, os, threading, subprocess, random, asyncio)
        classes = (socket.socket, threading.Thread, subprocess.Popen, random.Random)
        found = {module.__name__: dict(vars(module)) for module in modules}
        return found | {f"class {kind.__name__}": dict(vars(kind)) for kind in classes}

    before, clock = names(), imported_clock
    in_the_world(lambda: None)
    with pytest.raises(ZeroDivisionError):
        in_the_world(lambda: 1 / 0)
    assert names() == before
    assert imported_clock is clock


def test_a_module_that_is_imported_meanwhile_works_afterwards() -> None:
    kept: dict[str, Callable[[], float]] = {}
    in_the_world(lambda: kept.update(clock=time.monotonic))
    assert kept["clock"]() > 0.0
    with pytest.raises(testing.Not_simulated):
        in_the_world(kept["clock"])


# --- Chance ------------------------------------------------------------------


def draws() -> tuple[object, ...]:
    """All kinds of chance that a program may use."""
    return (
        random.random(),
        random.randrange(1000),
        random.Random().random(),
        os.urandom(4),
        uuid.uuid4(),
        secrets.token_hex(4),
        random.SystemRandom().random(),
    )


def test_chance_is_the_same_in_each_run() -> None:
    first = in_the_world(draws)
    assert in_the_world(draws) == first


def test_a_replay_draws_the_same() -> None:
    async def main() -> object:
        return draws()

    seen = set()
    for seed in range(20):
        choices = testing.seeded(seed)
        drawn = testing.simulate(main, choices=choices)
        assert testing.simulate(main, choices=testing.replayed(choices.replay_text())) == drawn
        seen.add(drawn)
    assert len(seen) > 5


def test_the_record_names_the_seed() -> None:
    async def main() -> object:
        return random.random()

    choices = testing.replayed("random 1:7/65536")
    testing.simulate(main, choices=choices)
    assert [made.words for made in choices.deviations] == ["random numbers begin with seed 7"]


def test_a_program_that_uses_no_chance_makes_no_choice() -> None:
    async def main() -> None:
        random.Random(5).random()

    choices = testing.seeded(1)
    testing.simulate(main, choices=choices)
    assert choices.count == 0


def test_the_programs_own_seed_holds() -> None:
    def program() -> float:
        random.seed(3)
        return random.random()

    assert in_the_world(program) == random.Random(3).random()


def test_afterwards_the_generator_goes_on_where_it_was() -> None:
    random.seed(5)
    expected = [random.random(), random.random()]
    random.seed(5)
    got = [random.random()]
    in_the_world(draws)
    got.append(random.random())
    assert got == expected


@hypothesis.given(strategies.data())
@hypothesis.settings(max_examples=30, database=None, deadline=None)
def test_hypothesis_draws_in_the_world_and_decides_it(data: strategies.DataObject) -> None:
    async def main() -> None:
        numbers = data.draw(strategies.lists(strategies.integers(), max_size=5))
        await lwt.join([lwt_unix.sleep(1.0) for _ in numbers])
        assert testing.world().now == (1.0 if numbers else 0.0)
        random.random()

    testing.simulate(main, choices=testing.drawn(data.conjecture_data))
