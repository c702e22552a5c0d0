"""Tests of concurrent programs: choices as data, and a simulated world to run programs in.

In reading order:

- `_sources`: who makes the choices that Lwt leaves open.
- `_world/`: a world, its time and its descriptors; what it has no more of; the engine that waits in it.
- `_files/`, `_network/`: what there is in a world: the files of a host; hosts, links, pipes, sockets.
- `_calls/`: the calls by which programs reach all that, and those that fail as planned.
- `_processes/`: jobs, signals, stand-ins for other programs.
- `_outside`: what would leave the world. `_report`: how a failure is told.
- `_simulate`: all of this in the place of the real system, for a run.
- `_expecting`: what a test expects of a program.
- `_explore/`: all schedules, but for those that come to a state that was seen.
- `_leaks/`: what a test may not leave behind. `_simulated`: tests that run in a world, with drawn choices.
- `_waiting/`: who waits for whom, also in the real world. It stands below all the others.

`lwt_unix.testing.plugin` is a plugin for pytest. It needs pytest, which the extra
`lwt-runtime[testing]` installs; all else here needs nothing.

Nothing else of the library imports this folder.
"""

from lwt._core.publish import publish as _publish
from lwt_unix.testing._calls.faults import Fault, Faults
from lwt_unix.testing._expecting import always, eventually, sometimes_cancelled
from lwt_unix.testing._explore.explore import Explored, explore
from lwt_unix.testing._leaks.leaks import Something_left, nothing_left
from lwt_unix.testing._network.hosts import Host, Network
from lwt_unix.testing._network.links import Link
from lwt_unix.testing._processes.programs import Process, Stand_in
from lwt_unix.testing._processes.signals import Killed
from lwt_unix.testing._simulate import faults, in_world, network, send_signal, simulate, world
from lwt_unix.testing._simulated import replay, simulated
from lwt_unix.testing._sources import (
    Choice,
    Choices,
    Replay_differs,
    drawn,
    lwt_choices,
    replayed,
    seeded,
)
from lwt_unix.testing._waiting.graph import Edge, Node, Place
from lwt_unix.testing._waiting.waiting import Deadlock, Waiting, report_on_signal, waiting
from lwt_unix.testing._world.crash import Crashed
from lwt_unix.testing._world.limits import Limits
from lwt_unix.testing._world.world import Not_simulated, World

__all__ = [
    # Running
    "simulate",
    "in_world",
    "world",
    "network",
    "faults",
    "send_signal",
    # Tests
    "simulated",
    "replay",
    # Choices
    "Choices",
    "Choice",
    "lwt_choices",
    "seeded",
    "drawn",
    "replayed",
    "Replay_differs",
    # All schedules
    "explore",
    "Explored",
    # What is expected
    "always",
    "eventually",
    "sometimes_cancelled",
    # What is left
    "nothing_left",
    "Something_left",
    # The world
    "World",
    "Network",
    "Host",
    "Crashed",
    "Link",
    "Limits",
    "Faults",
    "Fault",
    "Not_simulated",
    "Killed",
    # Programs
    "Process",
    "Stand_in",
    # Who waits for whom
    "waiting",
    "report_on_signal",
    "Waiting",
    "Node",
    "Edge",
    "Place",
    "Deadlock",
]

_publish(__name__)
