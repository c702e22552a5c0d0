"""The chat server of the examples, simulated: visitors come, talk, vanish and come back in a bad network.

    python -m tests.soak.chat                     # ten million operations
    python -m tests.soak.chat --operations 50000 --seed 7

An operation is a line that a visitor sends, or reads. A round is one run in a world of its own, from a
seed of its own: the scenario (who comes when, what is broken when) and the choices of the world. So a
failure is repeated by `--seed`, with that of its round.

What must hold, whatever happens:

- Whoever reads a line that another visitor has said, has read all that this one said since the reader's
  first line of it: none is lost, none comes twice, none is cut but the last one.
- When all is repaired, a new visitor is served within a minute, and hears another one.
- At the end, all hang up, and nothing is left: no descriptor, no timer, no event.
- No exception reaches `lwt.async_exception_hook`, but those of `accept` that were planned.
"""

from __future__ import annotations

import argparse
import errno
import math
import random
import re
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import lwt
import lwt_unix
from docs.examples.chat import GONE, Room
from lwt._core.choices import CLIENT, DELAY, DUE, JOB, LOSS, READY, RESOLVED, SIGNAL
from lwt_unix import lwt_engine, lwt_io, testing

PORT: Final = 9000
VISITORS: Final = 12
SECONDS: Final = 120.0
"""How long the visitors of a round come and go, in the time of the world, if nothing else is said."""

PLANNED: Final = {(errno.EMFILE, "accept"), (errno.ECONNABORTED, "accept")}
"""What a server tells, and goes on."""

_SAID: Final = re.compile(rb"(guest\d+): (.*)").fullmatch
_WHOLE: Final = re.compile(rb"(\d+) by visitor-\d+!").fullmatch


class Wrong(Exception):
    """Something does not hold."""


@dataclass
class Round:
    """What a round has seen."""

    seed: int
    seconds: float = SECONDS
    operations: int = 0
    broken: int = 0
    """How often a visit was ended by the network, or by the server."""

    errors: list[Exception] = field(default_factory=list)


# --- Visitors ----------------------------------------------------------------


class Visit:
    """One connection of a visitor."""

    def __init__(self, round: Round, name: str, chance: random.Random) -> None:
        self.round = round
        self.name = name
        self.chance = chance
        self.heard: dict[bytes, float] = {}
        """The number of the last line that was heard of each guest; infinite, if it was cut."""

    async def make(self, address: tuple[str, int]) -> None:
        """Come, talk, listen, and leave; or be cut off."""
        try:
            connecting = lwt_unix.with_timeout(20.0, lambda: lwt_io.open_connection(address))
            reading, writing = await connecting
        except (OSError, lwt_unix.Timeout):
            self.round.broken += 1
            return
        listening = self.listen(reading)
        try:
            talking = lwt_unix.with_timeout(60.0, lambda: self.talk(writing))
            await lwt.pick([talking, listening])
            if self.chance.random() < 0.5:
                await lwt_unix.with_timeout(20.0, lambda: lwt_io.close(writing))
                await lwt_unix.with_timeout(20.0, lambda: listening)
        except (*GONE, lwt_unix.Timeout, lwt.Canceled):
            self.round.broken += 1
        finally:
            # Who does not close first vanishes, perhaps with lines unread: that resets the connection.
            await lwt.join([lwt_io.abort(writing), lwt_io.abort(reading)])

    async def talk(self, writing: lwt_io.OutputChannel) -> None:
        """Say some lines, now in a burst and now slowly."""
        for line in range(self.chance.randrange(1, 40)):
            if self.chance.random() < 0.3:
                await lwt_unix.sleep(self.chance.expovariate(2.0))
            await lwt_io.write_line(writing, f"{line} by {self.name}!")
            self.round.operations += 1

    @lwt.promised
    async def listen(self, reading: lwt_io.InputChannel) -> None:
        """Read what the others say, and look whether all of it comes."""
        # The last line may be cut: the server gives up on who is too slow.
        line = await lwt_io.read_line_opt(reading)
        while line is not None:
            self.round.operations += 1
            if self.chance.random() < 0.02:
                await lwt_unix.sleep(self.chance.expovariate(1.0))
            following = await lwt_io.read_line_opt(reading)
            if following is not None:
                self.check(line.value)
            line = following

    def check(self, line: bytes) -> None:
        """Look at a line. The last one of a guest who vanished may be cut."""
        if line.startswith(b"* "):
            return
        said = _SAID(line)
        if said is None:
            raise Wrong(f"{self.name} reads {line!r}, which nobody says")
        guest, whole = said[1], _WHOLE(said[2])
        before = self.heard.get(guest)
        number = self.heard[guest] = math.inf if whole is None else int(whole[1])
        if (before is not None and number not in {before + 1, math.inf}) or before == math.inf:
            raise Wrong(f"{self.name} reads {line!r} after line {before} of this guest")


async def visitor(
    round: Round, name: str, address: tuple[str, int], end: lwt.Promise[None]
) -> None:
    """Come again and again, until the end."""
    chance = random.Random(f"{round.seed} {name}")
    while lwt.is_sleeping(end):
        await lwt_unix.sleep(chance.expovariate(0.5))
        await Visit(round, name, chance).make(address)


# --- The round ---------------------------------------------------------------


class Chat:
    """The server, and its host."""

    def __init__(self) -> None:
        self.host = testing.network().host("server")
        self.address = self.host.addresses[0], PORT
        self.room = Room()
        self.server: lwt_io.Server

    async def begin(self) -> None:
        """Have a new room, and let visitors in."""
        self.room = Room()
        self.server = await lwt_io.establish_server_with_client_address(
            self.address, self.room.serve
        )

    async def crash(self, seconds: float) -> None:
        """Let the host crash, and come back."""
        await self.host.crash()
        await lwt_unix.sleep(seconds)
        await self.host.restart(self.begin)

    async def end(self) -> None:
        """Say goodbye to all."""
        await lwt_io.shutdown_server(self.server)
        await self.room.close()


async def play(round: Round) -> None:
    """Have a server and its visitors, break things for a while, and look whether all recovers."""
    chat = Chat()
    await chat.host.run(chat.begin)
    names = [f"visitor-{number}" for number in range(VISITORS)]
    end = lwt_unix.sleep(round.seconds)
    visitors = [
        testing.network().host(name).run(partial(visitor, round, name, chat.address, end))
        for name in names
    ]
    await lwt.join([*visitors, trouble(round, chat, names, end)])
    await lwt_unix.with_timeout(60.0, partial(hear_each_other, chat.address))
    await chat.end()
    await testing.eventually(nothing_is_left, within=60.0)


@lwt.promised
async def trouble(round: Round, chat: Chat, names: list[str], end: lwt.Promise[None]) -> None:
    """Break something now and then, and repair it."""
    chance = random.Random(f"{round.seed} trouble")
    network, faults = testing.network(), testing.faults()
    limits = chat.host.limits
    most = limits.descriptors
    while lwt.is_sleeping(end):
        await lwt_unix.sleep(chance.expovariate(0.3))
        some = chance.sample(names, chance.randrange(1, 4))
        seconds = chance.expovariate(0.2)
        match chance.randrange(8):
            case 0:
                network.partition(some, "server")
                await lwt_unix.sleep(seconds)
                network.repair(some, "server")
            case 1:
                network.hold(some, "server")
                await lwt_unix.sleep(seconds)
                network.release(some, "server")
            case 2:
                network.reset(some, "server")
            case 3:  # Hardly anybody else can come.
                limits.descriptors = chance.randrange(1, VISITORS)
                await lwt_unix.sleep(seconds)
                limits.descriptors = most
            case 4:
                times = chance.randrange(1, 4)
                faults.fail("accept", errno.ECONNABORTED, times=times, host="server")
            case 5:
                for link in network.between(some, "server"):
                    link.bandwidth = chance.choice([200.0, 2_000.0, math.inf])
            case 6:
                short = faults.shorten("write", chance.randrange(1, 5), host="server")
                await lwt_unix.sleep(seconds)
                short.stop()
            case _:
                await chat.crash(seconds)
    faults.stop_all()
    for link in network.between(names, "server"):
        link.bandwidth = math.inf


async def hear_each_other(address: tuple[str, int]) -> None:
    """Have two new visitors come, and one hear the other."""
    network = testing.network()
    heard, end = lwt.wait()

    async def speak() -> None:
        async def say(channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]) -> None:
            await lwt_io.write_line(channels[1], "is anybody there?")
            await lwt_io.flush(channels[1])
            await heard  # Who leaves with lines unread resets the connection, and what it has said may be lost.

        await lwt_io.with_connection(address, say)

    async def hear() -> None:
        async def wait(channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]) -> None:
            await lwt_io.read_line(channels[0])  # The welcome.
            speaking = network.host("speaker").run(speak)
            while not (await lwt_io.read_line(channels[0])).endswith(b": is anybody there?"):
                pass
            lwt.wakeup_later(end, None)
            await speaking

        await lwt_io.with_connection(address, wait)

    await network.host("hearer").run(hear)


def nothing_is_left() -> bool:
    """Say whether nobody waits for anything but the end of this check itself."""
    engine = lwt_engine.get()
    open_numbers = [fd for host in testing.network().hosts.values() for fd in host.fds]
    return not (open_numbers or engine.readable_count or engine.writable_count)


def run_round(seed: int, seconds: float = SECONDS) -> Round:
    """Play a round."""
    round = Round(seed, seconds)

    def note(exn: Exception) -> None:
        if not (isinstance(exn, OSError) and lwt_unix.unix_error(exn)[:2] in PLANNED):
            round.errors.append(exn)

    async def main() -> None:
        lwt.async_exception_hook.contents = note
        await play(round)

    choices = testing.seeded(seed)
    if seed % 4:  # Bytes that come one by one take most of the time.
        choices = choices.only(RESOLVED, READY, DUE, JOB, SIGNAL, CLIENT, DELAY, LOSS)
    testing.simulate(main, choices=choices)
    if round.errors:
        raise Wrong(f"{round.errors[0]!r} reached async_exception_hook") from round.errors[0]
    return round


def rounds(operations: int, seed: int) -> Iterator[Round]:
    """Play rounds until there were so many operations."""
    done = 0
    while done < operations:
        round = run_round(seed)
        done += round.operations
        yield round
        seed += 1


def main() -> int:
    """Play, and tell how it goes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--operations", type=int, default=10_000_000, help="how many at least")
    parser.add_argument("--seed", type=int, default=0, help="that of the first round")
    given = parser.parse_args()
    began, done, broken, count = time.monotonic(), 0, 0, 0
    seed = given.seed
    try:
        for round in rounds(given.operations, seed):
            done, broken, count = done + round.operations, broken + round.broken, count + 1
            seed = round.seed + 1
            if count % 50 == 0 or done >= given.operations:
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
                speed = done / (time.monotonic() - began)
                print(
                    f"{done:,} operations in {count} rounds, {speed:,.0f} a second; {broken:,} visits were cut "
                    f"off; at most {memory} MiB",
                    flush=True,
                )
    except Exception:
        print(
            f"The round of seed {seed} fails: python -m tests.soak.chat --operations 1 --seed {seed}"
        )
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
