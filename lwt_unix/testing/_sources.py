"""Sources of choices, and the record of the choices that a run has made.

In reading order: `Choice`; `Choices`, which every run has, and which records; then who decides:

- `lwt_choices()`: Lwt itself;
- `seeded(seed)`: chance, from a seed;
- `drawn(data)`: Hypothesis, which also makes a failing run smaller;
- `replayed(text)`: the choices of an earlier run.

Exhaustive search stands in `_explore`.

How chance decides. What Lwt does by itself is what every other test has run already. So in the first choices
of a run, which are all that a small program makes, most are something else: nine of ten in half of the runs, six
of ten in a quarter. Where everything varies, one thing may hide another, such as a delay of seconds what comes
after a delay of milliseconds; and a large program comes to nothing. So in the last quarter, and in all runs after
the first choices, it is drawn for each label how often it varies, or not at all. The bugs in `tests/museum` are found
in a third of the runs so that it takes without the bold beginning.
"""

from __future__ import annotations

import random
import re
import sys
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from lwt._core.checks import check_kind, wrong_type
from lwt._core.choices import BYTES, DELAY, JOB, LABELS, LOSS, Source
from lwt_unix.lwt_engine._current import turn

if TYPE_CHECKING:
    from hypothesis.control import BuildContext
    from hypothesis.internal.conjecture.data import ConjectureData
    from hypothesis.strategies import DataObject

RANDOM: Final = "random"
"""The seed that random numbers of a run begin with. It is no choice of Lwt's: exhaustive search leaves it."""

_SEEDS: Final = 1 << 16

ALL_LABELS: Final = (*LABELS, RANDOM)

# --- The record --------------------------------------------------------------


class Choice(NamedTuple):
    """A choice that a run has made, and that Lwt would have made otherwise.

    `turn` is that of the engine; `number` counts all choices of the run, Lwt's own too. Of `options`
    options, counted from 0, `taken` was taken; `words` tell what that means.
    """

    turn: int
    number: int
    label: str
    options: int
    taken: int
    words: str

    def __str__(self) -> str:
        return f"turn {self.turn}: {self.words}"


class Replay_differs(Exception):
    """A run does not make the choices of the run that it replays."""


class Choices(Source):
    """What decides in a simulated world, and the record of what was decided.

    Use it for one run at a time: a run begins the record anew.
    """

    __slots__ = (
        *("count", "deviations", "difference", "generator", "is_drawing", "open_labels", "varying"),
    )

    def __init__(self) -> None:
        self.count = 0
        """How many choices there were in the run, of the labels that vary."""

        self.deviations: list[Choice] = []
        """The choices that were not Lwt's own, in order."""

        self.difference: Replay_differs | None = None
        """How the run differs from the one that it replays, once it does."""

        self.generator: random.Random | None = None
        """Where random numbers of the run come from, if somebody has asked for some."""

        self.is_drawing = False
        """Whether somebody outside of the world decides just now, who may use its clocks and chance."""

        self.open_labels: frozenset[str] = frozenset(ALL_LABELS)
        """The labels that are chosen; the others are Lwt's own."""

        self.varying: frozenset[str] = frozenset()
        """Those that may be anything but Lwt's own in this run. The others are neither asked nor counted."""

    def only(self, *labels: str) -> Choices:
        """Leave only these labels open, and return the same object.

        Raises:
            ValueError: there is no such label.
        """
        for label in labels:
            if label not in ALL_LABELS:
                raise ValueError(f"testing.only: no label {label!r}; the labels are {ALL_LABELS}")
        self.open_labels = frozenset(labels)
        return self

    def begin(self) -> None:
        """Begin a run, with an empty record."""
        self.count = 0
        self.deviations = []
        self.difference = None
        self.generator = None
        self.varying = self.open_labels

    def varies(self, label: str) -> bool:
        """Say whether choices of a label may be anything but Lwt's own in this run."""
        return label in self.varying

    def chance(self) -> random.Random:
        """Return where random numbers of the run come from. With which seed it begins is a choice."""
        generator = self.generator
        if generator is None:
            seed = self.choose(
                RANDOM, _SEEDS, lambda option: f"random numbers begin with seed {option}"
            )
            generator = self.generator = random.Random(seed)
        return generator

    def choose(self, label: str, options: int, tell: Callable[[int], str]) -> int:
        """Choose, and record what is not Lwt's own."""
        if label not in self.varying:
            return 0
        self.count += 1
        taken = self.decide(label, options)
        if taken:
            self.deviations.append(
                Choice(turn.number, self.count, label, options, taken, tell(taken))
            )
        return taken

    def happens(self, label: str, probability: float, tell: Callable[[int], str]) -> bool:
        """Choose whether something happens, and record it if so. Chance keeps to the probability."""
        if label not in self.varying:
            return False
        self.count += 1
        happens = self.decide_whether(label, probability)
        if happens:
            self.deviations.append(Choice(turn.number, self.count, label, 2, 1, tell(1)))
        return happens

    @abstractmethod
    def decide(self, label: str, options: int) -> int:
        """Choose one of at least two options, counted from 0."""

    def decide_whether(self, label: str, probability: float) -> bool:
        """Choose whether something happens."""
        return bool(self.decide(label, 2))

    def end(self) -> None:
        """End a run. `replayed` looks whether all of its choices were made."""

    def differs(self, text: str) -> Replay_differs:
        """Return the exception to raise. The program may catch it, so the world raises it again at the end."""
        if self.difference is None:
            self.difference = Replay_differs(text)
        return self.difference

    def replay_text(self) -> str:
        """Return what `replayed` takes to decide as in this run."""
        text = ", ".join(
            f"{made.label} {made.number}:{made.taken}/{made.options}" for made in self.deviations
        )
        inside = [label for label in ALL_LABELS if label in self.varying]
        outside = [label for label in ALL_LABELS if label not in self.varying]
        if not text or not outside:
            return text
        which = f"without {', '.join(outside)}"
        if len(inside) < len(outside):
            which = f"of {', '.join(inside)}"
        return f"{which}: {text}"

    def __str__(self) -> str:
        return "\n".join(map(str, self.deviations))


# --- Lwt itself --------------------------------------------------------------


@final
class _Lwt_choices(Choices):
    __slots__ = ()

    def begin(self) -> None:
        super().begin()
        self.varying = frozenset()

    def decide(self, label: str, options: int) -> int:
        return 0


def lwt_choices() -> Choices:
    """Return the source that decides as Lwt does by itself. It is not asked, so it counts nothing."""
    return _Lwt_choices()


# --- Chance ------------------------------------------------------------------

_FIRST: Final = 100
"""How many choices the first ones are."""

_HOW_OFTEN: Final = (0.9, 0.6, 0.9, None)
"""How often these are not Lwt's own, in four seeds in a row; None: as is drawn for each label."""

_FOR_A_LABEL: Final = (0.0, 0.3, 0.9)
"""What is drawn then."""

_LAST_IS_LONG: Final = frozenset({JOB, DELAY})
"""Where the last option is to wait for long: it often ends what other choices have just begun, so it is rarer."""

_LATER: Final = (0.0, 0.05, 0.3, 0.6)
"""What is drawn for each label for all later choices."""


@final
class _Seeded(Choices):
    __slots__ = ("how_often", "later", "random", "seed")

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.random = random.Random(seed)
        self.how_often: dict[str, float] = {}
        self.later: dict[str, float] = {}

    def begin(self) -> None:
        super().begin()
        self.random.seed(self.seed)
        often = _HOW_OFTEN[self.seed % len(_HOW_OFTEN)]
        self.how_often = {
            label: self.random.choice(_FOR_A_LABEL) if often is None else often
            for label in ALL_LABELS
        }
        self.later = {label: self.random.choice(_LATER) for label in ALL_LABELS}
        ever = {
            label
            for label in ALL_LABELS
            # How often something is lost, the program says.
            if self.how_often[label] or self.later[label] or label == LOSS
        }
        self.varying = self.open_labels & ever

    def decide(self, label: str, options: int) -> int:
        drawn = self.random.random
        how_often = self.how_often if self.count <= _FIRST else self.later
        if drawn() >= how_often[label]:
            return 0
        if label == BYTES and options > 2 and (kind := drawn()) < 0.6:  # One byte, or all but one.
            return options - 1 if kind < 0.4 else 1
        taken = 1 + int(drawn() * (options - 1))
        if taken == options - 1 and label in _LAST_IS_LONG and drawn() < 0.5:
            taken -= 1
        return taken

    def decide_whether(self, label: str, probability: float) -> bool:
        return self.random.random() < probability


def seeded(seed: int, /) -> Choices:
    """Return a source that decides by chance; the same seed decides the same."""
    check_kind("testing.seeded", seed, int)
    return _Seeded(seed)


# --- Hypothesis --------------------------------------------------------------

_MOST_DRAWN: Final = 2_000
"""How many choices of one run are drawn: Hypothesis has a bound on what an example may be made of."""

_LONGEST_GAP: Final = 40


@final
class _Drawn(Choices):
    """The draws are few, so that Hypothesis makes a failing run small quickly.

    For each label, the first draw says how often its choices are not Lwt's own: never, now and then, or
    each is drawn. Now and then means that the number of choices until the next one is drawn.
    """

    __slots__ = ("data", "gaps", "left", "levels")

    def __init__(self, data: ConjectureData) -> None:
        super().__init__()
        self.data = data
        self.levels: dict[str, int] = {}
        self.gaps: dict[str, int] = {}
        self.left = _MOST_DRAWN

    def begin(self) -> None:
        super().begin()
        self.levels.clear()
        self.gaps.clear()
        self.left = _MOST_DRAWN

    def _draw(self, greatest: int) -> int:
        """Draw a number from 0 on; the least is the simplest."""
        self.left -= 1
        self.is_drawing = True
        try:
            return self.data.draw_integer(0, greatest, shrink_towards=0)
        finally:
            self.is_drawing = False

    def decide(self, label: str, options: int) -> int:
        if self.left <= 0:
            return 0
        level = self.levels.get(label)
        if level is None:
            level = self.levels[label] = self._draw(2)
        if level == 0:
            return 0
        if level == 1:
            gap = self.gaps.get(label)
            if gap is None:
                gap = self._draw(_LONGEST_GAP)
            if gap:
                self.gaps[label] = gap - 1
                return 0
            self.gaps.pop(label, None)
        return self._draw(options - 1)

    def decide_whether(self, label: str, probability: float) -> bool:
        if self.left <= 0:
            return False
        self.left -= 1
        self.is_drawing = True
        try:
            return self.data.draw_boolean(probability)
        finally:
            self.is_drawing = False


def drawn(data: DataObject | ConjectureData, /) -> Choices:
    """Return a source that draws from Hypothesis's data of the example that is run.

    `simulated` does so by itself. This is for a test that has several worlds, or for the rule of a state machine.

    Args:
        data: what `strategies.data()` gives to a test with `@given`, or to a rule.
    """
    inner: Any = getattr(data, "conjecture_data", data)
    if not hasattr(inner, "draw_integer"):
        raise wrong_type(
            "testing.drawn", "Hypothesis's data", data, "pass what @given(strategies.data()) gives"
        )
    return _Drawn(inner)


def context_of_example() -> BuildContext | None:
    """Return what Hypothesis knows of the example that it runs just now, if it does."""
    if "hypothesis" not in sys.modules:
        return None  # A world is not the place to import it.
    from hypothesis import currently_in_test_context  # noqa: PLC0415  # There only with an extra.
    from hypothesis.control import current_build_context  # noqa: PLC0415

    return current_build_context() if currently_in_test_context() else None


def can_draw(context: BuildContext) -> bool:
    """Say whether the data of an example are drawn; those of an `@example` are not."""
    return context.data.max_choices != 0


def drawn_now() -> Choices:
    """Return a source that draws from the data of the example that Hypothesis runs just now.

    For the data of an `@example`, where nothing can be drawn, it decides as Lwt does.
    """
    context = context_of_example()
    if context is None or not can_draw(context):
        return lwt_choices()
    return drawn(context.data)


# --- An earlier run ----------------------------------------------------------


_ONE: Final = re.compile(r"([a-z ]+) (\d+):(\d+)/(\d+)").fullmatch


@final
class _Replayed(Choices):
    __slots__ = ("expected", "text")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.open_labels, _ = _parsed(text)
        self.expected: dict[int, tuple[str, int, int]] = {}

    def begin(self) -> None:
        super().begin()
        self.expected = dict(_parsed(self.text)[1])

    def decide(self, label: str, options: int) -> int:
        expected = self.expected.pop(self.count, None)
        if expected is None:
            return 0
        if expected[:2] != (label, options):
            raise self.differs(
                f"testing.replayed: choice {self.count} is {label!r} of {options} options here, and "
                f"{expected[0]!r} of {expected[1]} in the run that is replayed; has the program changed, or "
                "does it depend on something that the world does not decide?"
            )
        return expected[2]

    def end(self) -> None:
        if self.expected:
            number = min(self.expected)
            label = self.expected[number][0]
            raise self.differs(
                f"testing.replayed: the run ended after {self.count} choices; the run that is replayed made "
                f"choice {number}, {label!r}; has the program changed?"
            )


def _parsed(text: str) -> tuple[frozenset[str], list[tuple[int, tuple[str, int, int]]]]:
    """Return the labels that are counted, and the choices by their number: label, options, option."""
    labels = frozenset(ALL_LABELS)
    head, colon, rest = text.partition(": ")
    if colon:
        how, _, names = head.partition(" ")
        named = frozenset(label.strip() for label in names.split(","))
        if how not in {"of", "without"} or not named <= labels:
            raise ValueError(
                f'testing.replayed: {head!r} names no labels; they are written "of ready, due: …", or '
                '"without ready, due: …"'
            )
        labels = named if how == "of" else labels - named
        text = rest
    choices: list[tuple[int, tuple[str, int, int]]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _ONE(part)
        if match is None or match[1] not in labels or not 0 < int(match[3]) < int(match[4]):
            raise ValueError(
                f'testing.replayed: {part!r} is no choice; one is written "ready 3:1/2", the label, which '
                "choice of the run, which option, of how many"
            )
        if int(match[2]) <= (choices[-1][0] if choices else 0):
            raise ValueError(
                f"testing.replayed: {part!r} comes too late; choices are counted from 1, and are in order"
            )
        choices.append((int(match[2]), (match[1], int(match[4]), int(match[3]))))
    return labels, choices


def replayed(text: str, /) -> Choices:
    """Return a source that decides as an earlier run did: `text` is what its report says.

    What is not in the text is decided as Lwt does. If the run asks for another choice than that run did, it
    fails with `Replay_differs`.

    Raises:
        ValueError: this is no such text.
    """
    check_kind("testing.replayed", text, str, "the report of a failure has it")
    return _Replayed(text)
