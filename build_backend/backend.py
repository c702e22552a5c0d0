"""What builds the distributions: setuptools, and two things that pyproject.toml cannot say.

- Links of the README to files of this project lead nowhere on the package index. There, a file is named
  instead.
- With `LWT_RUNTIME_COMPILE=1` in the environment, mypyc compiles the packages ahead of time, from the same
  source. Otherwise nothing is compiled, and one wheel serves every machine.

pip and other tools find the hooks of this file by `pyproject.toml`.
"""

from __future__ import annotations

import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import setuptools
from docstrings import documented
from mending import mended, weakly_referenced
from setuptools import build_meta
from setuptools.command.build_ext import build_ext

if TYPE_CHECKING:
    from setuptools import Extension

COMPILER: Final = (
    "mypy>=2.4,<2.5"  # mypyc is a part of it. Each version takes and gives other code.
)

COMPILED: Final = {
    "lwt/_core": "ref ring promise storage resolution driver loop waiters creation sequential handling "
    "watching cancellation removable concurrent background pause",
    "lwt": "lwt_sequence lwt_mvar lwt_mutex lwt_condition",
    "lwt/lwt_pool": "_places _members _using",
    "lwt/lwt_list": "_traversal _iterating _searching",
    "lwt/lwt_stream": "_source _push _asked _stream _read",
    "lwt_unix/lwt_engine": "_events _timers _base _descriptors _kernel _current",
    "lwt_unix": "_time lwt_main",
    "lwt_unix/_descriptors": "io_event emptied wait_queue buffers file_descr actions read_write",
    "lwt_unix/lwt_io": "_buffer _turns _operation _taking _putting _reading _writing",
}
"""What is compiled: where a program spends its time. All else is interpreted in both builds."""


def compiled_files() -> list[str]:
    """Name the files that are compiled, seen from the top of the checkout."""
    return [f"{folder}/{name}.py" for folder, names in COMPILED.items() for name in names.split()]


def is_to_compile() -> bool:
    """Tell whether the environment asks for the compiled build."""
    return os.environ.get("LWT_RUNTIME_COMPILE", "0") not in {"", "0"}


def extensions() -> list[Extension]:
    """Compile the modules to C, if that was asked for."""
    if not is_to_compile():
        return []
    from mypyc.build import mypycify  # noqa: PLC0415  # Only this build needs it.

    # Not by the settings of `make check`, which find more than what stands in the way of a build.
    options = ["--config-file=", "--explicit-package-bases"]
    files = compiled_files()
    made = mypycify(
        [*options, *files],
        opt_level="2",  # With 3, it takes twice as long, and what comes out is as fast.
        debug_level="0",
        multi_file=True,  # All in one file take ten minutes.
        group_name="lwt_runtime",
    )
    for source in {Path(source) for extension in made for source in extension.sources}:
        if source.name.startswith("__native_"):  # Otherwise it is mypyc's own.
            code = mended(documented(source.read_text(), files))
            source.write_text(weakly_referenced(code, files))
    return made


class InParallel(build_ext):
    """The command that compiles, on all cores: setuptools compiles the files of an extension one by one."""

    def build_extensions(self) -> None:
        """Compile all extensions."""
        compile_in_turn = self.compiler.compile

        def compile_together(sources: list[str], **options: Any) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                made = pool.map(lambda source: compile_in_turn([source], **options), sources)
                return [name for names in made for name in names]

        self.compiler.compile = compile_together
        super().build_extensions()


def readme() -> str:
    """Return the README as the package index is to show it."""
    text = Path("README.md").read_text(encoding="utf-8")
    return re.sub(r"\[([^]]*)\]\((?!https:)([^)]*)\)", r"\1 (\2)", text)


Settings: TypeAlias = dict[str, str | list[str] | None] | None
BuildMeta: type[build_meta._BuildMetaBackend] = type(build_meta.build_wheel.__self__)


class Backend(BuildMeta):
    """The backend of setuptools, with what a `setup.py` would say."""

    def run_setup(self, setup_script: str = "setup.py") -> None:
        """Do what a `setup.py` would."""
        setuptools.setup(
            long_description=readme(),
            long_description_content_type="text/markdown",
            # Not where it is only about the metadata, or about the sources.
            cmdclass={"build_ext": InParallel},
            ext_modules=extensions() if {"bdist_wheel", "editable_wheel"} & {*sys.argv} else [],
        )

    def get_requires_for_build_wheel(self, config_settings: Settings = None) -> list[str]:
        """Ask for the compiler, if there is something to compile."""
        return [COMPILER] if is_to_compile() else []


_backend = Backend()
build_sdist = _backend.build_sdist
build_wheel = _backend.build_wheel
build_editable = _backend.build_editable
get_requires_for_build_sdist = _backend.get_requires_for_build_sdist
get_requires_for_build_wheel = _backend.get_requires_for_build_wheel
get_requires_for_build_editable = _backend.get_requires_for_build_editable
prepare_metadata_for_build_wheel = _backend.prepare_metadata_for_build_wheel
prepare_metadata_for_build_editable = _backend.prepare_metadata_for_build_editable
