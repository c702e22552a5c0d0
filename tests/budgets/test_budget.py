"""What is said of a count beside its budget, and how budgets are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.budgets.budget import (
    Budgets,
    Change,
    Growth,
    Line,
    as_text,
    compared,
    read,
    why_not_comparable,
    write,
)
from tests.budgets.growth import HEAPS
from tests.budgets.growth import OPERATIONS as OF_MANY
from tests.budgets.operations import KEPT, OPERATIONS

HERE = "CPython 3.11.7 GCC 12.2.0 x86_64"


def verdicts(lines: list[Line]) -> list[tuple[str, str, str]]:
    return [
        (
            line.operation,
            line.what,
            "over" if line.is_over else "below" if line.is_far_below else "",
        )
        for line in lines
    ]


@pytest.mark.parametrize(
    ("counted", "verdict"),
    [(969.0, "below"), (971.0, ""), (1000.0, ""), (1029.0, ""), (1031.0, "over")],
)
def test_instructions_may_differ_by_three_per_cent(counted: float, verdict: str) -> None:
    lines = compared(
        "instructions",
        {"bind": {"instructions": counted}},
        {"bind": {"instructions": 1000.0}},
    )
    assert verdicts(lines) == [("bind", "instructions", verdict)]


@pytest.mark.parametrize(("counted", "verdict"), [(0.99, "below"), (1.0, ""), (1.01, "over")])
def test_system_calls_may_not_differ(counted: float, verdict: str) -> None:
    lines = compared("system_calls", {"echo": {"read": counted}}, {"echo": {"read": 1.0}})
    assert verdicts(lines) == [("echo", "read", verdict)]


def test_a_system_call_without_a_budget_is_over_and_one_that_is_made_no_more_is_below() -> None:
    lines = compared("system_calls", {"echo": {"readv": 1.0}}, {"echo": {"read": 1.0}})
    assert verdicts(lines) == [("echo", "read", "below"), ("echo", "readv", "over")]


def test_an_operation_without_a_budget_is_over() -> None:
    assert verdicts(compared("memory", {"promise": {"bytes": 200.0}}, {})) == [
        ("promise", "bytes", "over")
    ]


def test_a_line_shows_the_count_the_budget_and_the_change() -> None:
    line = Line("bind", "instructions", counted=1100.0, budget=1000.0, margin=3.0)
    assert str(line).split() == ["bind", "instructions", "1,100", "1,000", "+10.0", "%", "OVER"]


@pytest.mark.parametrize(
    ("kind", "here", "is_compiled", "is_comparable"),
    [
        ("instructions", HERE, False, True),
        ("instructions", f"{HERE} --with-lto", False, False),
        ("instructions", HERE, True, False),
        ("memory", f"{HERE} --with-lto", False, True),
        ("memory", "CPython 3.11.9 GCC 14.1.0 aarch64", False, True),
        ("memory", "CPython 3.12.7 GCC 12.2.0 x86_64", False, False),
        ("memory", HERE, True, False),
        ("system_calls", "CPython 3.13.1 Clang 19 aarch64", True, True),
    ],
)
def test_budgets_hold_for_the_python_with_which_they_were_recorded(
    kind: str, here: str, is_compiled: bool, is_comparable: bool
) -> None:
    assert (why_not_comparable(kind, HERE, here, is_compiled) == "") is is_comparable


@pytest.mark.parametrize(
    ("operation", "many", "is_growing"),
    [
        ("mutex", 1000.0, False),
        ("mutex", 1079.0, False),
        ("mutex", 1081.0, True),
        ("sleeps", 1499.0, False),  # The logarithm of 1,000 is half as much again as that of 100.
        ("sleeps", 1501.0, True),
    ],
)
def test_an_operation_grows_if_it_costs_more_among_many(
    operation: str, many: float, is_growing: bool
) -> None:
    assert Growth(operation, few=1000.0, many=many).is_growing is is_growing


def test_growth_shows_what_one_costs_among_few_and_among_many() -> None:
    line = Growth("mutex", few=1000.0, many=1100.0)
    assert str(line).split() == ["mutex", "1,000", "1,100", "+10.0", "%", "GROWS"]


def test_a_change_between_checkouts_shows_the_medians_and_the_least_and_the_most_of_a_round() -> (
    None
):
    change = Change("mutex", before=[1000.0, 2000.0, 1000.0], after=[1010.0, 2000.0, 990.0])
    assert str(change).split() == [
        *("mutex", "1,000", "1,010"),
        *("+0.00", "%", "-1.00", "%", "+1.00", "%"),
    ]


def test_what_may_grow_as_a_logarithm_is_an_operation() -> None:
    assert set(HEAPS) <= set(OF_MANY)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    budgets = Budgets(
        HERE,
        {
            "instructions": {"bind, resolved": {"instructions": 4249.0}},
            "system_calls": {"bind, resolved": {}, "echo": {"epoll_wait": 0.1, "read": 1.0}},
        },
    )
    write(budgets, tmp_path / "budgets.toml")
    assert read(tmp_path / "budgets.toml") == budgets


def test_a_budget_of_nothing_is_not_written() -> None:
    text = as_text(Budgets(HERE, {"system_calls": {"bind": {"read": 0.0001}}}))
    assert "read =" not in text


def test_every_operation_has_its_budgets_and_nothing_else_has() -> None:
    counts = read().counts
    assert {kind: list(found) for kind, found in counts.items()} == {
        "instructions": list(OPERATIONS),
        "system_calls": list(OPERATIONS),
        "memory": list(KEPT),
    }
