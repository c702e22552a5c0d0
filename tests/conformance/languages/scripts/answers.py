"""What the languages of scripts have in common: running a script, and counting what it met."""

from __future__ import annotations

from collections.abc import Collection

from tests.conformance.forms import Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.scripts.run import ScriptRun


def answers(
    run: type[ScriptRun], program: Program, statements: Collection[str], met: Met | None
) -> Answers:
    """Run a script; of what it met, count the language's own statements, and all pairs."""
    counted: Met = Met()
    script = run(counted)
    trace = script.run(program)
    if met is not None:
        for names, times in counted.items():
            if len(names) > 1 or names[0] in statements:
                met[names] += times
    return Answers([trace], doubtful=script.doubtful)
