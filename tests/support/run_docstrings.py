"""Run the examples in the docstrings of a source file, each docstring by itself.

    python tests/support/run_docstrings.py FILE

The docstrings are read from the text, so that it does not matter under which name a user sees what
they belong to. Says how many examples were run, after a report of each that is not as promised.
"""

import ast
import doctest
import sys
from pathlib import Path


def docstrings(tree: ast.Module) -> list[tuple[int, str]]:
    """Return every docstring with the number of its line; those of attributes too."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    constants = [node.value for node in found if isinstance(node.value, ast.Constant)]
    return [(node.lineno, node.value) for node in constants if isinstance(node.value, str)]


def main() -> None:
    """Run the examples of the file that the command line names."""
    path = Path(sys.argv[1])
    runner = doctest.DocTestRunner()
    for line, text in docstrings(ast.parse(path.read_text())):
        test = doctest.DocTestParser().get_doctest(text, {}, str(path), str(path), line - 1)
        runner.run(test)
    print(runner.tries)
    sys.exit(runner.failures > 0)


if __name__ == "__main__":
    main()
