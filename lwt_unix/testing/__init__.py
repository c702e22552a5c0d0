"""Tests of concurrent programs: choices as data, and a simulated world to run programs in.

In reading order: the choices that Lwt leaves open, and who makes them (`_sources`); the world: its time and
its descriptors (`_world`), the files of a host (`_tree`, and `_files` for those that are open), links (`_links`)
and hosts (`_network`), flows of bytes and pipes (`_flows`), connections (`_streams`), sockets (`_sockets`), the
calls that programs reach them by (`_calls`, `_file_calls`), the names of hosts (`_names`), jobs (`_jobs`), signals
(`_signals`), programs (`_programs`); what a host has no more of (`_limits`), calls that fail (`_faults`); the
engine (`_engine`); what would leave the world (`_outside`); `simulate` puts them in the place of the real ones
(`_simulate`). What a test expects of a program is in `_expecting`.
`explore` runs it under all schedules (`_explore`), and skips those that come to a state (`_states`) that was seen.
A failure is told by `_report`.
What it may not leave behind is in `_leaks`, which knows from `_noting` where things were made.

`lwt_unix.testing.plugin` is a plugin for pytest. It needs pytest, which `pip install 'lwt-runtime[testing]'`
installs; all else here needs nothing.

Who waits for whom is told by `waiting`, by `report_on_signal`, and by a `Deadlock` (`_waiting`, which names the
files below it). That works in the real world, too.

Nothing else of the library imports this folder.
"""

from lwt._core.publish import publish as _publish
from lwt_unix.testing._crash import Crashed
from lwt_unix.testing._expecting import always, eventually, sometimes_cancelled
from lwt_unix.testing._explore import Explored, explore
from lwt_unix.testing._faults import Fault, Faults
from lwt_unix.testing._graph import Edge, Node, Place
from lwt_unix.testing._leaks import Something_left, nothing_left
from lwt_unix.testing._limits import Limits
from lwt_unix.testing._links import Link
from lwt_unix.testing._network import Host, Network
from lwt_unix.testing._programs import Process, Stand_in
from lwt_unix.testing._signals import Killed
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
from lwt_unix.testing._waiting import Deadlock, Waiting, report_on_signal, waiting
from lwt_unix.testing._world import Not_simulated, World

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
