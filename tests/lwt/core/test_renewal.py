"""A fresh beginning of all state of `lwt`."""

from collections.abc import Callable
from copy import copy

import lwt
from lwt._core import choices, pause, promise
from lwt._core.exceptions import _filter
from lwt._core.renewal import renew
from lwt._core.resolution import MAXIMUM_NESTING, postpone, resolution
from lwt._core.storage import current_storage
from tests.support.modules import attributes_of, listed_state

STATE: dict[str, Callable[[], object]] = {
    "promise.deferred": lambda: copy(promise.deferred),
    "promise._is_in_repr": lambda: promise._is_in_repr,
    "exceptions._filter": lambda: _filter.contents,
    "storage.current_storage": lambda: current_storage.contents,
    "choices.prng": lwt.prng.getstate,
    "choices.source": lambda: choices.source,
    "choices.names": lambda: choices.names,
    "resolution.resolution": lambda: [
        copy(getattr(resolution, name)) for name in attributes_of(type(resolution))
    ],
    "resolution.async_exception_hook": lambda: lwt.async_exception_hook.contents,
    "pause.paused": lambda: (pause.paused.notifier, copy(pause.paused.promises)),
}
"""What tells of each state how it is."""


class Last(choices.Source):
    def choose(self, label: str, options: int, tell: Callable[[int], str]) -> int:
        return options - 1


def change_everything() -> None:
    """Leave the core as no program should."""
    promise._is_in_repr = True
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)
    current_storage.contents = {lwt.new_key(): 3}
    lwt.prng.seed(3)
    choices.set_source(Last(), str)
    resolution.depth = resolution.nesting = MAXIMUM_NESTING
    resolution.deferred.append(lwt.return_unit)
    postpone(print)
    resolution.is_running_postponed = True
    lwt.async_exception_hook.contents = print
    lwt.register_pause_notifier(lambda _: None)
    lwt.pause()


def test_the_table_has_all_state_of_the_guide() -> None:
    assert {f"lwt._core.{name}" for name in STATE} == listed_state("lwt")


def test_a_renewal_begins_all_state_afresh() -> None:
    renew()
    at_first = {name: read() for name, read in STATE.items()}
    change_everything()
    unchanged = [name for name, read in STATE.items() if read() == at_first[name]]
    renew()
    assert {name: read() for name, read in STATE.items()} == at_first
    assert unchanged == []
