"""Printing: formats, and line ends."""

from __future__ import annotations

import lwt
from lwt_unix import lwt_io
from tests.support.channels import written_by


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
