"""Printing: formats, and line ends."""

from __future__ import annotations

import pytest

import lwt
from lwt_unix import lwt_io
from tests.support.channels import written_by

pytestmark = pytest.mark.real_only("these meet no descriptor")


class TestPrinting:
    def test_fprint_and_its_kin(self) -> None:
        async def write(oc: lwt_io.OutputChannel) -> None:
            await lwt_io.fprint(oc, "a")
            await lwt_io.fprintl(oc, "b")
            await lwt_io.fprintf(oc, "%s is %d%%", "c", 100)
            await lwt_io.fprintlf(oc, " or %s", (1, 2))

        assert written_by(lwt.promised(write)) == b"ab\nc is 100% or (1, 2)\n"

    def test_a_format_without_arguments_is_a_format_all_the_same(self) -> None:
        assert written_by(lambda oc: lwt_io.fprintf(oc, "100%%")) == b"100%"

    def test_data_comes_through_as_it_is(self) -> None:
        async def write(oc: lwt_io.OutputChannel) -> None:
            await lwt_io.fprintf(oc, "Got %s\n", b"abc")
            await lwt_io.fprintlf(oc, "Got %s", b"\xff\x00")

        assert written_by(lwt.promised(write)) == b"Got abc\nGot \xff\x00\n"

    @pytest.mark.parametrize("name", ["printf", "printlf", "eprintf", "eprintlf"])
    def test_what_is_no_format_is_an_error_of_the_function_at_the_call(self, name: str) -> None:
        with pytest.raises(ValueError, match=rf"^lwt_io\.{name}: %y is no directive"):
            getattr(lwt_io, name)("%y", 1)

    @pytest.mark.parametrize("name", ["fprintf", "fprintlf"])
    def test_the_functions_for_a_channel_name_themselves_too(self, name: str) -> None:
        with pytest.raises(TypeError, match=rf"^lwt_io\.{name}: too few arguments"):
            getattr(lwt_io, name)(lwt_io.null, "%s")
