"""Where lines are broken: boxes, break hints, margins; what is written in which calls."""

import gc
from collections.abc import Callable
from typing import Any

import pytest

from lwt_unix import lwt_fmt

WORDS = "one@ two@ three@ four@ five"


class Page:
    """A pretty-printer, and what it has written."""

    def __init__(self, margin: int = 12) -> None:
        self.calls: list[str] = []
        self.out = lwt_fmt.Pretty_printer(self._output, lambda: self.calls.append("flush"))
        self.out.set_margin(margin)

    def _output(self, data: bytes, start: int, length: int) -> None:
        self.calls.append(data[start : start + length].decode())

    @property
    def text(self) -> str:
        return "".join(call for call in self.calls if call != "flush")


def printed(format: str, *args: object, margin: int = 12) -> str:
    page = Page(margin)
    page.out.printf(format, *args)
    page.out.flush()
    return page.text


# --- Boxes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ("<h>", "one two three four five"),
        ("<v>", "one\ntwo\nthree\nfour\nfive"),
        ("<v 2>", "one\n  two\n  three\n  four\n  five"),
        ("<hv>", "one\ntwo\nthree\nfour\nfive"),
        ("<hov>", "one two\nthree four\nfive"),
        ("<hov 2>", "one two\n  three\n  four five"),
        ("<b 2>", "one two\n  three\n  four five"),
        ("", "one two\nthree four\nfive"),
    ],
)
def test_a_box_that_does_not_fit_breaks_its_lines_by_its_kind(box: str, text: str) -> None:
    assert printed(f"@[{box}{WORDS}@]") == text


@pytest.mark.parametrize("box", ["<h>", "<hv 2>", "<hov 2>", "<b 2>", ""])
def test_a_box_that_fits_breaks_no_line_but_for_a_vertical_one(box: str) -> None:
    assert printed(f"@[{box}{WORDS}@]", margin=40) == "one two three four five"
    assert printed(f"@[<v>{WORDS}@]", margin=40) == "one\ntwo\nthree\nfour\nfive"


def test_a_plain_box_breaks_a_line_where_that_moves_to_the_left_and_a_hov_does_not() -> None:
    inner = "begin@[<v>@,abcdefghij@,b@]@ end"
    assert printed(f"@[<hov 1>{inner}@]", margin=20) == "begin\n     abcdefghij\n     b end"
    assert printed(f"@[<b 1>{inner}@]", margin=20) == "begin\n     abcdefghij\n     b\n end"


def test_an_inner_box_that_fits_stays_in_one_line_while_the_outer_one_breaks() -> None:
    assert printed("@[<v>f(@[<hov 2>a,@ b@])@,g(@[<hov 2>a,@ b@])@]") == "f(a, b)\ng(a, b)"


def test_a_break_hint_has_blanks_or_an_indentation() -> None:
    assert printed("@[<hov>a@;<3 2>b@]") == "a   b"
    assert printed("@[<v>a@;<3 2>b@]") == "a\n  b"
    assert printed("@[<v 2>a@;<3 -2>b@]") == "a\nb"


def test_a_forced_line_end_breaks_without_the_box_having_to() -> None:
    assert printed("@[<hov 2>a@\nb@ c@]") == "a\n  b c"


def test_a_line_end_in_a_text_is_a_character_of_it() -> None:
    assert printed("@[<hov 2>a\nb@ c@]") == "a\nb c"


def test_a_box_that_would_begin_too_far_to_the_right_begins_in_a_new_line() -> None:
    page = Page(margin=20)
    page.out.set_max_indent(8)
    page.out.printf("@[<hov>1234567890@[<hov>aaaaaa@ bbbbbb@]@]@.")
    page.out.printf("@[<hov>1234567890@[<hov>a@ b@]@]@.")  # The outer one fits.
    assert page.text == "1234567890\naaaaaa bbbbbb\n1234567890a b\n"


def test_an_indentation_goes_no_farther_than_its_limit() -> None:
    page = Page(margin=20)
    page.out.set_max_indent(3)
    page.out.printf("@[<v 9>a@,b@]@.")
    assert page.text == "a\n   b\n"


def test_a_size_that_is_said_decides_where_a_line_is_broken() -> None:
    assert printed("@[<hov>%s@ @<30>%s@]", "a", "b") == "a\nb"
    assert printed("@[<hov>a@ @<1>%s@ c@]", "x" * 30) == f"a {'x' * 30} c"


def test_widths_count_bytes_as_in_ocaml() -> None:
    assert printed("@[<hov>ee@ ee@ eee@]") == "ee ee eee"
    assert printed("@[<hov>éé@ éé@ ééé@]") == "éé éé\nééé"


def test_tags_are_shown_when_they_are_to_be_and_take_no_room() -> None:
    page = Page()
    page.out.printf("@[@{<b>a@}@]@.")
    page.out.set_tags(True)
    page.out.printf("@[<hov>@{<bold>one@}@ two@ @{<i>four@}@]@.")
    page.out.printf("@{<open>x@.")
    assert page.text == "a\n<bold>one</bold> two\n<i>four</i>\n<open>x</open>\n"


def test_what_is_closed_too_often_or_never_is_as_in_ocaml() -> None:
    assert printed("@]a@]@]b") == "ab"
    assert printed("@[<v 1>a@,@[<v 1>b@,c") == "a\n b\n  c"


# --- When it is written ------------------------------------------------------


def test_nothing_is_written_before_it_is_known_where_to_break() -> None:
    page = Page(margin=40)
    page.out.printf("@[<hov>one@ two")
    before = list(page.calls)
    page.out.printf("@]@?")
    assert (before, page.calls) == ([], ["one", " ", "two", "flush"])


def test_what_does_not_fit_any_more_is_written_before_the_box_ends() -> None:
    page = Page(margin=5)
    page.out.printf("@[<hov>one@ two@ three@ ")
    assert page.text == "one\ntwo\nthree"


@pytest.mark.parametrize(
    ("format", "calls"),
    [
        ("a@?", ["a", "flush"]),
        ("a%!", ["a", "flush"]),
        ("a@.", ["a", "\n", "flush"]),
        ("@[<v 2>a@?b@,c@?", ["a", "flush", "b", "\n", "c", "flush"]),
        ("@[<v 2>a@?@[<v 2>b@,c@?", ["a", "flush", "b", "\n", "  ", "c", "flush"]),
    ],
)
def test_a_flush_closes_all_boxes_and_writes_all(format: str, calls: list[str]) -> None:
    page = Page()
    page.out.printf(format)
    assert page.calls == calls


def test_blanks_are_written_eighty_at_a_time() -> None:
    page = Page(margin=300)
    page.out.printf("@[<h>a@;<170 0>b@.")
    assert page.calls == ["a", " " * 80, " " * 80, " " * 10, "b", "\n", "flush"]


def test_a_new_margin_drops_what_waits() -> None:
    page = Page()
    page.out.printf("lost")
    page.out.set_margin(30)
    page.out.printf("kept@.")
    assert page.text == "kept\n"


def test_margins_and_indentations_keep_to_each_other() -> None:
    page = Page(margin=78)
    seen = [(page.out.margin, page.out.max_indent)]
    for margin in (100, 50, 12, 1):
        page.out.set_margin(margin)
        seen.append((page.out.margin, page.out.max_indent))
    assert seen == [(78, 68), (100, 68), (50, 25), (12, 6), (1, 6)]


# --- Printers ----------------------------------------------------------------


def test_a_printer_writes_into_the_boxes_around_it() -> None:
    def pair(out: lwt_fmt.Pretty_printer, value: tuple[str, str]) -> None:
        out.printf("@[<hov 1>(%s,@ %s)@]", *value)

    text = printed(
        "@[<v 2>x =@ %a;@ %t@]", pair, ("abcdef", "ghijkl"), lambda out: out.write("end")
    )
    assert text == "x =\n  (abcdef,\n   ghijkl);\n  end"


def test_printers_are_called_in_order_and_what_one_raises_leaves_behind_what_came_before() -> None:
    page = Page()

    def fail(out: lwt_fmt.Pretty_printer) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        page.out.printf("a%tb%t", lambda out: out.write("1"), fail)
    page.out.printf("c@.")
    assert page.text == "a1bc\n"


def show(out: object, value: object) -> str:
    return ascii(value)


async def wait(out: object, value: object) -> None: ...


@pytest.mark.parametrize(
    ("printer", "told"),
    [
        (show, r"show, got '3' \(str\); write it to the printer's first argument"),
        (wait, r"wait, got a coroutine \(wait\); printers do not wait: make it a def$"),
    ],
)
def test_a_printer_that_returns_what_it_should_have_written_is_told(
    printer: Callable[..., object], told: str
) -> None:
    with pytest.raises(
        TypeError,
        match=rf"^lwt_fmt\.Pretty_printer\.printf: expected nothing from the printer {told}",
    ):
        Page().out.printf("%a", printer, 3)


def test_a_format_that_is_wrong_prints_nothing() -> None:
    page = Page()
    with pytest.raises(TypeError, match="too few arguments"):
        page.out.printf("abc@.%d")
    page.out.flush()
    assert page.calls == ["flush"]


# --- Arguments ---------------------------------------------------------------

anything: Any = lwt_fmt.Pretty_printer

WRONG: dict[str, Callable[[Any], object]] = {
    r"Pretty_printer: expected a function, got 3": lambda _: anything(3, print),
    r"Pretty_printer: callback <lambda> .* the data and the start and the length": lambda _: (
        anything(lambda data: None, print)
    ),
    r"Pretty_printer\.set_margin: expected an int for the margin": lambda out: out.set_margin("3"),
    r"Pretty_printer\.set_margin: the margin is 0; expected 1 or more": lambda out: out.set_margin(
        0
    ),
    r"Pretty_printer\.set_max_indent: the indentation is 12; expected 2 to 11; it is less than": (
        lambda out: out.set_max_indent(12)
    ),
    r"Pretty_printer\.set_max_indent: the indentation is 1; expected 2": lambda out: (
        out.set_max_indent(1)
    ),
    r"Pretty_printer\.write: ": lambda out: out.write(3),
}


@pytest.mark.parametrize("message", WRONG)
def test_an_argument_of_a_wrong_kind_is_told_at_the_call(message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^lwt_fmt\.{message}"):
        WRONG[message](Page().out)


def test_data_that_is_no_text_is_written_as_it_is() -> None:
    written: list[bytes] = []
    out = lwt_fmt.Pretty_printer(lambda data, start, length: written.append(data), lambda: None)
    out.write(b"\xff\x00")
    out.write(bytearray(b"a"))
    out.printf("%s@?", memoryview(b"b\xfe"))
    assert b"".join(written) == b"\xff\x00ab\xfe"


def test_long_texts_take_no_more_than_a_line_of_memory_and_deep_boxes_no_stack() -> None:
    page = Page(margin=40)
    for number in range(2_000):
        page.out.printf("%d@ ", number)
        assert len(page.out._queue) < 60
        page.calls.clear()
    deep = Page(margin=40)
    for _ in range(1_000):
        deep.out.printf("@[<hov 1>(@,")
    deep.out.flush()
    assert deep.text.count("(") == 1_000


def test_what_is_printed_leaves_nothing_to_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        out = lwt_fmt.Pretty_printer(lambda data, start, length: None, lambda: None)
        out.printf("@[<v>%a@ b@]@.", lambda out, x: out.printf("%d", x), 3)
        del out
        assert gc.collect() == 0
    finally:
        gc.enable()
