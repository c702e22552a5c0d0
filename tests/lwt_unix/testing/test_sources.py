"""Who makes the choices, and the record of those that are not Lwt's own."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given, settings, strategies

from lwt._core.choices import BYTES, DUE, JOB, LABELS, READY
from lwt_unix import testing
from lwt_unix.testing import Choices


def decided(choices: Choices, number: int = 200) -> list[int]:
    """What a source decides in a run with `number` choices of two labels."""
    choices.begin()
    labels = [(READY, 3), (BYTES, 10)] * (number // 2)
    return [choices.choose(label, options, str) for label, options in labels]


def test_lwts_own_choice_is_always_the_first_option() -> None:
    choices = testing.lwt_choices()
    assert set(decided(choices)) == {0}
    assert choices.deviations == []


def test_the_same_seed_decides_the_same_in_each_run() -> None:
    choices = testing.seeded(5)
    first = decided(choices)
    assert decided(choices) == decided(testing.seeded(5)) == first
    assert any(decided(testing.seeded(seed)) != first for seed in range(10))


def test_most_of_the_first_choices_are_not_lwts_own_and_in_the_fourth_run_some_labels_are_left_alone() -> (
    None
):
    def varied(seed: int, label: str, number: int) -> list[int]:
        choices = testing.seeded(seed)
        choices.begin()
        return [choices.choose(label, 2, str) for _ in range(number)]

    labels = [label for label in LABELS if label != JOB]
    for seed, often in enumerate((0.9, 0.6, 0.9)):
        first = [made for block in range(9) for made in varied(4 * block + seed, DUE, 100)]
        assert abs(sum(first) / 900 - often) < 0.06
    later = [sum(varied(4 * block, label, 1100)[100:]) for label in labels for block in range(9)]
    assert min(later) == 0
    assert max(later) < 700
    last = [sum(varied(4 * block + 3, label, 100)) for label in labels for block in range(9)]
    assert min(last) == 0
    assert max(last) > 80


def test_each_option_is_decided_by_some_seed() -> None:
    seen = {taken for seed in range(50) for taken in decided(testing.seeded(seed))[1::2]}
    assert seen == set(range(10))


def test_the_record_has_what_was_not_lwts_own_in_words() -> None:
    choices = testing.replayed("ready 3:1/3")
    choices.begin()
    for _ in range(4):
        choices.choose(READY, 3, lambda option: f"option {option}")
    (made,) = choices.deviations
    assert made == (made.turn, 3, READY, 3, 1, "option 1")
    assert str(choices) == f"turn {made.turn}: option 1"


def test_a_replay_decides_as_the_run_did() -> None:
    seeded = testing.seeded(7)
    first = decided(seeded)
    replay = testing.replayed(seeded.replay_text())
    assert decided(replay) == first
    replay.end()


def test_a_replay_says_which_label_differs() -> None:
    choices = testing.replayed("ready 1:1/3")
    choices.begin()
    with pytest.raises(testing.Replay_differs, match=r"choice 1 is 'due' of 3 .* 'ready' of 3"):
        choices.choose(DUE, 3, str)


def test_a_replay_keeps_how_it_differs_first_until_the_next_run() -> None:
    choices = testing.replayed("ready 1:1/3, ready 2:1/3")
    choices.begin()
    for label in ("due", "job"):
        with pytest.raises(testing.Replay_differs):
            choices.choose(label, 3, str)
    assert "'due'" in str(choices.difference)
    choices.begin()
    assert choices.difference is None


def test_a_replay_says_how_many_options_differ() -> None:
    choices = testing.replayed("ready 1:1/3")
    choices.begin()
    with pytest.raises(testing.Replay_differs, match="of 2 options here, and 'ready' of 3"):
        choices.choose(READY, 2, str)


def test_a_replay_says_which_choice_was_not_made() -> None:
    choices = testing.replayed("ready 1:1/3, due 5:1/2")
    choices.begin()
    choices.choose(READY, 3, str)
    with pytest.raises(testing.Replay_differs, match=r"ended after 1 choices; .* choice 5, 'due'"):
        choices.end()


def test_a_replay_names_the_labels_that_were_counted_unless_all_were() -> None:
    for seed in range(20):
        seeded = testing.seeded(seed).only(READY, BYTES)
        first = decided(seeded)
        text = seeded.replay_text()
        if any(first):
            assert text.startswith(("of ready: ", "of bytes: ", "of ready, bytes: "))
        assert decided(testing.replayed(text)) == first


@pytest.mark.parametrize(
    "text",
    [
        "ready",
        "ready 1:0/2",
        "ready 1:2/2",
        "unknown 1:1/2",
        "ready 1:1/2 due 2:1/2",
        "of ready: due 1:1/2",
    ],
)
def test_what_is_no_replay_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no choice; one is written"):
        testing.replayed(text)


@pytest.mark.parametrize("text", ["due 0:1/2", "due 2:1/2, due 1:1/2", "due 1:1/2, due 1:1/2"])
def test_choices_that_are_not_in_order_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"comes too late; choices are counted from 1"):
        testing.replayed(text)


@pytest.mark.parametrize("text", ["of reedy: ready 1:1/2", "ready: ready 1:1/2"])
def test_what_names_no_labels_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no labels"):
        testing.replayed(text)


def test_labels_that_are_not_open_are_decided_as_lwt_does() -> None:
    for seed in range(20):
        taken = decided(testing.seeded(seed).only(BYTES))
        assert set(taken[::2]) == {0}


def test_only_labels_that_there_are_can_be_open() -> None:
    with pytest.raises(ValueError, match="no label 'reedy'") as caught:
        testing.seeded(0).only("reedy")
    assert all(label in str(caught.value) for label in LABELS)


def test_choices_are_drawn_from_the_data_of_a_strategy() -> None:
    seen: set[int] = set()

    @settings(database=None)
    @given(strategies.data())
    def draws(data: strategies.DataObject) -> None:
        choices = testing.drawn(data)
        choices.begin()
        seen.add(choices.choose(READY, 3, str))

    draws()
    assert seen == {0, 1, 2}


def test_choices_are_drawn_from_nothing_else() -> None:
    with pytest.raises(
        TypeError, match=r"testing.drawn: expected Hypothesis's data, got 5 \(int\)"
    ):
        testing.drawn(cast("Any", 5))
