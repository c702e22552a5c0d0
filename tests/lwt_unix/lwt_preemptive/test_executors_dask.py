"""A real cluster of Dask on this machine: results, exceptions, cancelling, a worker that is killed in mid-work."""

import importlib.util

import pytest

from tests.support.programs import run_code

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None,
        reason="distributed is not installed: pip install 'lwt-runtime[dask]'",
    ),
]

PROGRAM = """
import os, signal, time, dask, lwt, lwt_unix
from distributed import Client, LocalCluster
from lwt_unix import lwt_main, lwt_preemptive
from lwt_unix.lwt_preemptive._workers import at_work

async def main(client):
    executor = client.get_executor(pure=False)

    def detach(f, *args):
        return lwt_preemptive.detach_on(executor, f, *args)

    print(await lwt.all([detach(pow, 2, n) for n in range(5)]))
    try:
        await detach(int, "x")
    except ValueError as exn:
        print(exn)
    process = await detach(os.getpid)
    print(process != os.getpid())

    working, waiting = detach(time.sleep, 3600), detach(time.sleep, 0)
    while not any(client.processing().values()):
        await lwt_unix.sleep(0.01)
    lwt.cancel(waiting)
    os.kill(process, signal.SIGKILL)
    for promise in working, waiting:
        try:
            await promise
        except Exception as exn:
            print(type(exn).__name__)
    print(await detach(abs, -3), len(at_work))

if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50)
    with cluster, Client(cluster) as client:
        lwt_main.run(main(client))
"""


def test_a_cluster_gives_results_and_exceptions_and_says_when_a_worker_was_killed() -> None:
    run = run_code(PROGRAM)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        "[1, 2, 4, 8, 16]",
        "invalid literal for int() with base 10: 'x'",
        "True",
        "KilledWorker",
        "Canceled",
        "3 0",
    ]
