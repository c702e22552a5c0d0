"""Running the source text of programs: many at once, each in a process of its own.

    python -m tests.conformance.printed [MODULE FILE]...

runs Python files one after another, with what makes a module of ours behave as 5.6.1 does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.conformance.known_differences import KNOWN_DIFFERENCES

ROOT = Path(__file__).parents[2]
SEPARATOR = "== "
PATIENCE = 120.0


def in_python(programs: Sequence[tuple[str, str]], folder: Path) -> list[list[str]]:
    """Run programs in Python, and return the lines that each prints.

    Args:
        programs: for each, the module that it is about, and its text.
        folder: an empty one.
    """
    arguments: list[str] = []
    for number, (module, text) in enumerate(programs):
        path = folder / f"p{number}.py"
        path.write_text(text, encoding="utf-8")
        arguments += [module, str(path)]
    return _outputs([sys.executable, "-m", "tests.conformance.printed", *arguments], ROOT)


def in_ocaml(texts: Sequence[str], package: str, folder: Path) -> list[list[str]]:
    """Compile programs together, run them, and return the lines that each prints.

    Args:
        texts: those of the programs.
        package: the one of findlib that they use. (Module Lwt_unix pauses when it is linked.)
        folder: an empty one.
    """
    names = [f"p{number}" for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        source = f"let main () =\n  let module M = struct\n{text}\nend in ()\n"
        (folder / f"{name}.ml").write_text(source, encoding="utf-8")
    runs = "; ".join(f"run {name.capitalize()}.main" for name in names)
    main = (
        f'let run main =\n  print_string "{SEPARATOR}\\n"; flush stdout;\n'
        "  if Unix.fork () = 0 then (main (); flush stdout; Unix._exit 0)\n"
        f"  else ignore (Unix.wait ())\nlet () = {runs}\n"
    )
    (folder / "main.ml").write_text(main, encoding="utf-8")
    files = [*(f"{name}.ml" for name in names), "main.ml"]
    # Bytecode takes half the time to make.
    packages = ["-thread", "-package", f"{package},unix", "-linkpkg"]
    command = ["ocamlfind", "ocamlc", "-w", "-a", *packages]
    subprocess.run([*command, *files, "-o", "programs"], cwd=folder, check=True)
    return _outputs(["./programs"], folder)


def _outputs(command: Sequence[str], folder: Path) -> list[list[str]]:
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE
    )
    return [part.splitlines() for part in done.stdout.split(f"{SEPARATOR}\n")[1:]]


def _run_each(modules_and_paths: Sequence[str]) -> None:
    for module, path in zip(modules_and_paths[::2], modules_and_paths[1::2], strict=True):
        print(SEPARATOR, flush=True)
        child = os.fork()
        if child == 0:
            text = Path(path).read_text(encoding="utf-8")
            with ExitStack() as stack:
                for known in KNOWN_DIFFERENCES:
                    if known.module == module:
                        stack.enter_context(known.arrangement())
                exec(compile(text, path, "exec"), {"__name__": "__main__"})
                sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    _run_each(sys.argv[1:])
