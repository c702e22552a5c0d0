"""Scripts of input and output as programs, to see by hand what each side does.

A script is its own shortest source text: what it takes is a way to run it on one side alone.
"""

from __future__ import annotations

from tests.conformance.forms import Program, show
from tests.conformance.lwt_unix_run import ScriptRun


def _one_a_line(program: Program, before: str) -> list[str]:
    return [f"{before}{show((statement,))}" for statement in program]


def as_ocaml(program: Program) -> str:
    """Return an OCaml program that shows the trace, given the interpreter's sources."""
    lines = [
        "(* ocamlfind ocamlopt -thread -package lwt.unix -linkpkg programs.ml \\",
        "     lwt_unix_programs.ml this.ml, in tests/conformance/ocaml, < /dev/null *)",
        'let script = "\\',
        *(f"{line} \\" for line in _one_a_line(program, "  ")),
        '"',
        "let () =",
        "  Lwt_unix_programs.run_script (Programs.parse script);",
        "  String.split_on_char '\\t' (Buffer.contents Programs.trace) |> List.iter print_endline",
    ]
    return "\n".join(lines)


def as_python(run: type[ScriptRun], program: Program) -> str:
    """Return a Python program that shows the trace, to be run where `tests` is."""
    lines = [
        "from tests.conformance.forms import parse",
        f"from {run.__module__} import {run.__name__}",
        "",
        'script = """',
        *_one_a_line(program, ""),
        '"""',
        f'print("\\n".join({run.__name__}().run(parse(script))))',
    ]
    return "\n".join(lines)
