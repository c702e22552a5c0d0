"""The report of a failure in a simulated world."""

from __future__ import annotations

from functools import partial

from lwt._core.choices import READY
from lwt_unix import testing
from lwt_unix.testing import World
from lwt_unix.testing._report import MOST_SHOWN, how_to_simulate, report


def test_it_tells_what_was_chosen_and_what_happened_and_what_to_do() -> None:
    choices = testing.replayed("without random: ready 1:1/2")
    choices.begin()
    choices.choose(READY, 2, lambda option: f"option {option}")
    world = World(choices)
    world.tell("%s is sent", "a letter")
    turn = choices.deviations[0].turn
    assert report(choices, world, "Do this.\nAnd that.").splitlines() == [
        "The choices that are not Lwt's own:",
        f"    turn {turn}: option 1",
        "What happened:",
        f"    0 s, turn {turn}: a letter is sent",
        "Do this.",
        "And that.",
    ]


def test_of_what_happened_it_tells_the_end() -> None:
    choices = testing.lwt_choices()
    choices.begin()
    world = World(choices)
    for number in range(MOST_SHOWN + 2):
        world.tell(f"step {number}")
    lines = report(choices, world, "Do this.").splitlines()
    assert lines[:2] == ["The choices that are not Lwt's own:", "    none: Lwt itself decides so"]
    assert lines[3] == "    (2 earlier ones are left out)"
    assert len(lines) == MOST_SHOWN + 5
    assert lines[-2].endswith(f"step {MOST_SHOWN + 1}")


def test_how_to_simulate_names_the_function_if_it_has_a_name() -> None:
    async def shop() -> None: ...

    assert how_to_simulate(shop, "due 1:1/2") == (
        "To replay it:\n    testing.simulate(shop, choices=testing.replayed('due 1:1/2'))"
    )
    assert "testing.simulate(main, " in how_to_simulate(partial(shop), "")
