"""The server of the README: its program, and what it should do."""

from pathlib import Path

from tests.support.programs import ROOT, connect, read_to_end, read_until, running
from tests.support.run_page import blocks

README = ROOT / "README.md"


def readme_block(language: str, port: int) -> str:
    """The server of the README, on another port."""
    ((_, source),) = blocks(README.read_text(), language)
    assert source.count("9000") == 2
    return source.replace("9000", str(port))


def assert_echoes(command: list[str | Path], port: int) -> None:
    """Start an echo server and talk to it on two connections at once."""
    with running(command) as server:
        assert server.stdout
        read_until(server.stdout, b"nc 127.0.0.1 %d\n" % port)
        with connect(port) as first, connect(port) as second:
            for client in first, second:
                client.sendall(b"to be\nor not\n")
            for client in second, first:
                client.shutdown(1)
                assert read_to_end(client) == b"to be\nor not\n"
