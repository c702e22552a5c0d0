"""What `gc.freeze` has hidden."""

from tests.support.programs import run_code


def test_what_was_frozen_is_found_by_what_leads_to_it() -> None:
    run = run_code(FROZEN)
    assert run.stderr == ""
    told = run.stdout.splitlines()
    assert [line for line in told if "await" not in line] == [  # Which 3.13 knows.
        "body 1 (waits) waits for mutex 1 (mutex)",
        '    File "<string>", line 7, in waits',
        "mutex 1 (mutex), whose holder is not known",
        "[('promise 1', '')]",  # Nobody says that its resolver is gone: that may be hidden.
    ]


FROZEN = """
import gc, lwt
from lwt import lwt_mutex
from lwt_unix import testing
mutex = lwt_mutex.create()
async def waits():
    await lwt_mutex.lock(mutex)
async def waits_for_what_is_frozen():
    await frozen
lwt_mutex.lock(mutex)
frozen = lwt.wait()[0]
gc.freeze()
waiting = lwt.of_coroutine(waits())
print(testing.waiting())
also = lwt.of_coroutine(waits_for_what_is_frozen())
print([(node.title, node.state) for node in testing.waiting().nodes if node.kind == "promise"])
"""


def test_a_deadlock_in_a_simulated_world_tells_of_what_was_made_before_it() -> None:
    run = run_code(BEFORE)
    assert run.stderr == ""
    told = run.stdout.splitlines()
    assert [line for line in told if "await" not in line] == [  # As above.
        "nothing can happen any more:",
        "lwt_main.run waits for body 1 (main)",
        "body 1 (main) waits for all of (mutex 1 (mutex), promise 1)",
        '    File "<string>", line 7, in main',
        "mutex 1 (mutex), whose holder is not known",
        "promise 1, whose resolver is gone, so that nobody can resolve it",
        "frozen: False",
        "frozen: True",
    ]


BEFORE = """
import gc, lwt
from lwt import lwt_mutex
from lwt_unix import testing
mutex = lwt_mutex.create()
async def main():
    await lwt.join([lwt_mutex.lock(mutex), lwt.wait()[0]])
lwt_mutex.lock(mutex)
try:
    testing.simulate(main)
except testing.Deadlock as deadlock:
    print(deadlock)
print("frozen:", gc.get_freeze_count() > 0)
gc.freeze()
testing.simulate(lambda: lwt.return_unit)
print("frozen:", gc.get_freeze_count() > 0)
"""


def test_a_deadlock_report_leaves_out_what_was_lost_before_though_the_program_freezes() -> None:
    run = run_code(LOST_BEFORE)
    assert run.stderr == ""
    assert [line for line in run.stdout.splitlines() if "await" not in line] == [  # As above.
        "nothing can happen any more:",
        "lwt_main.run waits for body 1 (main)",
        "body 1 (main) waits for mutex 1 (mutex)",
        '    File "<string>", line 6, in main',
        "mutex 1 (mutex), whose holder is not known",
    ]


LOST_BEFORE = """
import gc, lwt
from lwt import lwt_mutex
from lwt_unix import testing
async def main(mutex):
    await lwt_mutex.lock(mutex)
def deadlock():
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    testing.simulate(lambda: main(mutex))
def lose():
    promise = lwt.wait()[0]
    async def waits():
        await promise
    lwt.of_coroutine(waits())
gc.collect()
gc.freeze()
gc.disable()
lose()
try:
    deadlock()
except testing.Deadlock as deadlock:
    print(deadlock)
"""


def test_the_heap_is_searched_again_after_asyncio_has_kept_futures_for_later() -> None:
    """Python 3.12 gave an answer without an end; so the memory of the process is limited."""
    run = run_code(SEARCHED_TWICE)
    assert run.stderr == ""
    assert run.stdout == "searched\n" * 3


SEARCHED_TWICE = """
import asyncio, gc, resource
from lwt_unix import testing
async def main():
    future = asyncio.get_running_loop().create_future()
    async def waits():
        await future
    tasks = [asyncio.create_task(waits()) for _ in range(5)]
    await asyncio.sleep(0)
    future.set_result(None)
    await asyncio.gather(*tasks)
asyncio.run(main())
resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
gc.freeze()
for _ in range(3):
    testing.waiting()
    print("searched")
"""
