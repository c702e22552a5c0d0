"""Which build runs, and what is said to mypyc."""

import lwt
from lwt._core import ref
from lwt._core.compiling import mypyc_attr


def test_the_package_tells_whether_it_is_compiled() -> None:
    assert lwt.__compiled__ is not str(ref.__file__).endswith(".py")


def test_what_is_said_to_mypyc_leaves_an_interpreted_class_as_it_is() -> None:
    class Thing:
        pass

    assert mypyc_attr(allow_interpreted_subclasses=True)(Thing) is Thing
