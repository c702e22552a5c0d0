"""The reference is what the docstrings say now, and leaves no public name out."""

import importlib
import re
from pathlib import Path

import griffe
import pytest

from docs.reference import generate
from tests.conformance.api.lists import read_lists
from tests.support.modules import OF_OCAML, PUBLIC_MODULES

PAGES = generate.pages()
MODULES = {module.path: module for module in generate.public_modules()}


@pytest.mark.parametrize("name", sorted({*PAGES, *(p.name for p in generate.FOLDER.glob("*.md"))}))
def test_a_page_is_what_make_reference_writes(name: str) -> None:
    page = generate.FOLDER / name
    assert page.exists() and name in PAGES, "run `make reference`"
    assert page.read_text() == PAGES[name], "run `make reference`"


def test_every_public_module_has_its_page_and_its_line_in_the_table() -> None:
    table = re.findall(r"^\| \[(.*)\]\((.*)\) \|", PAGES["README.md"], re.MULTILINE)
    assert sorted(module for module, _ in table) == sorted(PUBLIC_MODULES)
    assert {page for _, page in table} == PAGES.keys() - {"README.md"}


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_what_a_module_offers_is_explained_or_stands_for_what_is(name: str) -> None:
    page = generate.Page(MODULES[name], {})
    assert list(page.offered) == importlib.import_module(name).__all__
    unexplained = [name for name, found in page.offered.items() if not found.docstring]
    assert [name for name in unexplained if name not in page.second_names] == []


@pytest.mark.parametrize("name", OF_OCAML)
def test_what_ocaml_has_too_ends_with_its_name_and_type_there(name: str) -> None:
    python_only = read_lists().added
    assert [
        public
        for public, found in generate.Page(MODULES[name], {}).offered.items()
        if found.docstring and f"{name}.{public}" not in python_only
        if not found.docstring.value.split("\n\n")[-1].startswith("OCaml: ")
    ] == []


SMALL = '''\
"""A small module.

    import small

OCaml: Small (small.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "first",
    # Flags
    "Flag",
    "flag",
    "ON",
    # The rest
    "second",
    "Pair",
    "nothing",
]

Combine: TypeAlias = "Callable[[int, int], Pair]"


def second(number: int, /, *more: str, flag: Flag = Flag.ON, combine: Combine) -> dict[str, Pair]:
    """Do what `first` and `small.first` do for a `number`.

    >>> second(1)
    {}

    Args:
        number: not
            too large.
        flag: `ON` or not.

    Raises:
        ValueError, TypeError: never.

    Nothing is left.

    OCaml: Small.second :
        int -> unit
    """
    return {}


def first() -> Flag:
    """Begin."""
    return ON


class Flag(Enum):
    """On or off."""

    ON = 1
    _OFF = 2

    @property
    def is_on(self) -> bool:
        """Whether it is on."""
        return self is Flag.ON


flag = Flag
ON = Flag.ON


class Pair(NamedTuple):
    """Two numbers."""

    left: int
    right: int


nothing: Final[Pair | None] = None
"""No pair.

OCaml: Small.nothing : pair option
"""
'''

PAGE = f"""\
{generate.HEAD}

# small

A small module.

    import small

OCaml: Small (small.ml)

## Names

[`first`](#first)

**Flags.** [`Flag`](#flag), [`flag`](#flag), [`ON`](#flag).

**The rest.** [`second`](#second), [`Pair`](#pair), [`nothing`](#nothing).

### `first`

```py
first() -> Flag
```

Begin.

## Flags

### `Flag`

```py
class Flag(Enum)
```

On or off.

Values: `ON`.

#### `Flag.is_on`

```py
is_on: bool
```

Whether it is on.

## The rest

### `second`

```py
second(
    number: int,
    /,
    *more: str,
    flag: Flag = Flag.ON,
    combine: Combine,
) -> dict[str, Pair]
```

Do what [`first`](#first) and [`small.first`](#first) do for a `number`.

```pycon
>>> second(1)
{{}}
```

Arguments:

- `number`: not too large.
- `flag`: [`ON`](#flag) or not.

Raises:

- `ValueError, TypeError`: never.

Nothing is left.

OCaml: `Small.second : int -> unit`

### `Pair`

```py
class Pair(left: int, right: int)
```

Two numbers.

### `nothing`

```py
nothing: Pair | None
```

No pair.

OCaml: `Small.nothing : pair option`

## Types in signatures

```py
Combine = Callable[[int, int], Pair]
```
"""


def test_a_page_has_guide_names_signatures_and_docstrings_in_the_order_of_the_story(
    tmp_path: Path,
) -> None:
    (tmp_path / "small.py").write_text(SMALL)
    module = griffe.GriffeLoader(search_paths=[tmp_path], allow_inspection=False).load("small")
    assert isinstance(module, griffe.Module)
    links = generate.Page(module, {}).places()
    assert generate.Page(module, links).text() == PAGE
