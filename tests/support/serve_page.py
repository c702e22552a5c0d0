"""Run the Python blocks of a Markdown page, and then a server that they define.

    PORT=9000 python tests/support/serve_page.py PAGE STATEMENT

The statement is run after the page. Then a function `serve` serves each client. The server listens
on 127.0.0.1, and says so after what the page prints.
"""

import os
import sys
from pathlib import Path
from typing import Any

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from lwt_unix.lwt_io._servers import ChannelsHandler
from tests.support.run_page import run_blocks


async def main(serve: ChannelsHandler) -> None:
    """Serve every client by a function of the page."""
    address = ("127.0.0.1", int(os.environ["PORT"]))
    await lwt_io.establish_server_with_client_address(
        address, serve, prepare_client_fd=take_little_for_those_who_do_not_read
    )
    await lwt_io.printl("The server listens.")
    await lwt.wait()[0]


def take_little_for_those_who_do_not_read(client: lwt_unix.File_descr) -> None:
    """Keep the kernel from taking megabytes, so that a test need not send them."""
    lwt_unix.setsockopt_int(client, lwt_unix.SO_SNDBUF, 4096)


path, statement = sys.argv[1:]
names: dict[str, Any] = run_blocks(Path(path))
exec(statement, names)
lwt_main.run(main(names["serve"]))
