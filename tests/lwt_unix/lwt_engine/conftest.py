"""Fixtures for tests of engines: each engine in turn, and sockets to watch."""

from collections.abc import Iterator

import pytest

from lwt_unix import lwt_engine
from tests.support.engines import ENGINES, Counting, Engine_class, Pair, socket_pairs


@pytest.fixture(params=ENGINES, ids=lambda engine_class: engine_class.__name__)
def engine(request: pytest.FixtureRequest) -> Iterator[lwt_engine.abstract]:
    engine_class: Engine_class = request.param
    engine = engine_class()
    yield engine
    engine.check_invariants()
    engine.destroy()
    engine.check_invariants()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket_pairs(1) as pairs:
        yield pairs[0]


@pytest.fixture
def two_pairs() -> Iterator[list[Pair]]:
    with socket_pairs(2) as pairs:
        yield pairs


@pytest.fixture
def counting() -> Iterator[Counting]:
    engine = Counting()
    assert engine.take() == [("open", 0)]
    yield engine
    engine.check_invariants()
    engine.destroy()
