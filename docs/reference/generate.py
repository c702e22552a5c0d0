"""Write the pages of the reference, one for each public module, from its docstrings.

    make reference

A page is the guide of its module, then what `__all__` lists, in its order and under the headings
that stand there as comments: signature, docstring, the OCaml original. The table of all modules goes
into README.md, between two comments; the rest of that file is written by hand.

Griffe reads the sources, without running them: it follows imports to what a name stands for, leaves
annotations as they are written, finds the docstrings of constants, and takes docstrings apart.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import griffe

from docs.reference.signatures import meant, parameter_names, private_types, signature

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
README = FOLDER / "README.md"
PACKAGES = "lwt", "lwt_unix"

HEAD = "<!-- Written by `make reference` from the docstrings: change those. -->"
TABLE = re.compile(r"(?<=<!-- the modules -->\n).*(?=<!-- end of the modules -->)", re.DOTALL)

Links: TypeAlias = dict[str, str]
"""Where a name is explained: `lwt.bind` at `lwt.md#bind`."""


def main() -> None:
    """Write all pages, and remove those of modules that are gone."""
    written = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text)


def pages() -> dict[str, str]:
    """Return the text of every page by the name of its file."""
    modules = list(public_modules())
    links: Links = {}
    for module in modules:
        # Once without links: where they lead to are the headings.
        links |= Page(module, {}).places()
    written = {file_name(module): Page(module, links).text() for module in modules}
    assert len(written) == len(modules), "two modules would share a page"
    rows = [f"| [{module.path}]({file_name(module)}) | {summary(module)} |" for module in modules]
    table = "\n".join(["", "| module | what |", "|---|---|", *rows, "", ""])
    return written | {README.name: TABLE.sub(lambda _: table, README.read_text())}


# --- Modules -----------------------------------------------------------------


def public_modules() -> Iterator[griffe.Module]:
    """Yield the modules that a program may import."""
    loader = griffe.GriffeLoader(search_paths=[ROOT], allow_inspection=False)
    packages = [loader.load(package) for package in PACKAGES]
    loader.resolve_aliases()
    for package in packages:
        assert isinstance(package, griffe.Module)
        yield from public_modules_in(package)


def public_modules_in(module: griffe.Module) -> Iterator[griffe.Module]:
    """Yield a module and those inside it that a program may import."""
    yield module
    for name, inner in sorted(module.modules.items()):
        if not name.startswith("_") and isinstance(inner, griffe.Module):
            yield from public_modules_in(inner)


def short_name(module: griffe.Module) -> str:
    """Name a module as programs do that import it from its package."""
    return module.path.partition(".")[2] or module.path


def file_name(module: griffe.Module) -> str:
    """Name the page of a module."""
    return f"{short_name(module)}.md"


def summary(module: griffe.Module) -> str:
    """Return the first line of the guide of a module."""
    assert module.docstring, f"{module.path} has no guide"
    return module.docstring.value.partition("\n")[0].removesuffix(".")


def sections_of(module: griffe.Module) -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of `__all__`: the comment above the names, if there is one, and the names."""
    assert isinstance(module.filepath, Path)
    with module.filepath.open("rb") as source:
        tokens = list(tokenize.tokenize(source.readline))
    begin = next(place for place, token in enumerate(tokens) if token.string == "__all__")
    title, names = "", list[str]()
    for token in tokens[begin:]:
        if token.string == "]":
            break
        if token.type == tokenize.COMMENT:
            if names:
                yield title, names
            title, names = token.string.lstrip("# "), []
        elif token.type == tokenize.STRING:
            names.append(token.string.strip("\"'"))
    yield title, names


# --- A page ------------------------------------------------------------------


class Page:
    """The page of a module."""

    def __init__(self, module: griffe.Module, links: Links) -> None:
        self.module = module
        self.file = file_name(module)
        self.links = links
        self.sections = list(sections_of(module))
        names = [name for _, names in self.sections for name in names]
        self.offered = {name: meant(module.members[name]) for name in names}
        self.second_names = {
            name: value
            for name, found in self.offered.items()
            if (value := plain_value(found)) and first_name(value) in self.offered
        }
        """What needs no words of its own: `t` is `Promise`, `Read` is `Io_event.Read`."""

    def text(self) -> str:
        """Return the page."""
        parts = [HEAD, f"# {self.module.path}", *self.documentation(self.module), "## Names"]
        for title, names in self.sections:
            parts.append(self.linked(f"**{title}.** {quoted(names)}." if title else quoted(names)))
        for title, names in self.sections:
            explained = [name for name in names if name not in self.second_names]
            if title and explained:
                parts.append(f"## {title}")
            for name in explained:
                parts += self.entry(name, self.offered[name])
        if types := private_types(self.functions(), self.offered):
            lines = "\n".join(f"{name} = {meaning}" for name, meaning in types.items())
            parts += ["## Types in signatures", f"```py\n{lines}\n```"]
        return "\n\n".join(parts) + "\n"

    def places(self) -> Links:
        """Return where the page explains which name, with the anchors that a code host makes."""
        found: Links = {}
        met: dict[str, int] = {}
        for title in re.findall(r"^#+ (.*)$", self.text(), re.MULTILINE):
            anchor = re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
            number = met[anchor] = met.get(anchor, -1) + 1
            if title.startswith("`"):
                found[title.strip("`")] = f"{self.file}#{anchor}" + (f"-{number}" if number else "")
        for name, value in self.second_names.items():
            found[name] = found[first_name(value)]
        modules = {self.module.path, short_name(self.module)}
        named = {f"{module}.{name}": found[name] for module in modules for name in found}
        return named | dict.fromkeys(modules, self.file)

    def functions(self) -> list[griffe.Function]:
        """Return all functions and methods of the page."""
        shown = list(self.offered.values())
        for found in shown:  # which grows
            shown += public_members(found).values()
        return [found for found in shown if isinstance(found, griffe.Function)]

    def entry(self, path: str, found: griffe.Object) -> Iterator[str]:
        """Yield the paragraphs about one name, and about those in it."""
        yield f"{'####' if '.' in path else '###'} `{path}`"
        yield f"```py\n{signature(found, self.offered)}\n```"
        yield from self.documentation(found)
        others = [name for name, value in self.second_names.items() if first_name(value) == path]
        values = [name for name in others if "." in self.second_names[name]]
        if values:
            yield f"Values: {quoted(values)}."
        elif others:
            yield f"Other name: {quoted(others)}."
        members = public_members(found)
        bare = [
            name
            for name, inner in members.items()
            if not inner.docstring and "class-attribute" in inner.labels
        ]
        if bare and not values:
            yield f"In it: {quoted(bare)}."
        for name, inner in members.items():
            if inner.docstring:
                yield from self.entry(f"{path}.{name}", inner)

    def documentation(self, found: griffe.Object) -> Iterator[str]:
        """Yield the paragraphs of a docstring: text, lists of what it takes and raises, OCaml."""
        own = parameter_names(found)
        for section in found.docstring.parse("google") if found.docstring else ():
            if isinstance(section, griffe.DocstringSectionText):
                for paragraph in section.value.split("\n\n"):
                    if paragraph.startswith("OCaml: ") and found is not self.module:
                        yield original(paragraph.removeprefix("OCaml: "))
                    elif paragraph.startswith(">>> "):
                        yield f"```pycon\n{paragraph}\n```"
                    else:
                        yield self.linked(paragraph, own)
            elif isinstance(section, griffe.DocstringSectionParameters):
                given = [(item.name, item.description) for item in section.value]
                yield self.linked(bullets("Arguments", given), own)
            elif isinstance(section, griffe.DocstringSectionRaises):
                raised = [(str(item.annotation), item.description) for item in section.value]
                yield self.linked(bullets("Raises", raised), own)
            elif section.title and section.value.kind == "ocaml":
                # What it is taken for if its second line is indented.
                yield original(f"{section.title} {section.value.contents}")
            else:
                raise AssertionError(f"{found.path}: no page shows the section {section.kind}")

    def linked(self, text: str, but: Collection[str] = ()) -> str:
        """Make links of the public names in a text, but not of parameters with such a name."""

        def link(found: re.Match[str]) -> str:
            name = found[1]
            place = self.links.get(f"{self.module.path}.{name}") or self.links.get(name)
            if not place or name in but:
                return found[0]
            return f"[`{name}`]({place.replace(f'{self.file}#', '#')})"

        return re.sub(r"`([\w.]+)`", link, text)


# --- Names -------------------------------------------------------------------


def plain_value(found: griffe.Object) -> str:
    """Return what a name without a docstring stands for."""
    if isinstance(found, griffe.Attribute) and not found.docstring:
        return str(found.value)
    return ""


def first_name(value: str) -> str:
    """Return `Io_event` of `Io_event.Read` and `Result` of `Result[A, E]`."""
    return re.split(r"[.\[]", value)[0]


def public_members(found: griffe.Object) -> dict[str, griffe.Object]:
    """Return what is in a class, but for what are its parameters as well."""
    if not isinstance(found, griffe.Class):
        return {}
    hidden = parameter_names(found)
    return {
        name: meant(inner)
        for name, inner in found.members.items()
        if not name.startswith("_") and name not in hidden
    }


# --- Texts -------------------------------------------------------------------


def bullets(title: str, items: Iterable[tuple[str, str]]) -> str:
    """List what has names."""
    lines = [f"- `{name.strip('()')}`: {' '.join(text.split())}" for name, text in items]
    return "\n".join([f"{title}:\n", *lines])


def original(text: str) -> str:
    """Write the name and type that something has in OCaml."""
    return f"OCaml: `{' '.join(text.split())}`"


def quoted(names: Iterable[str]) -> str:
    """List names in a sentence."""
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    main()
