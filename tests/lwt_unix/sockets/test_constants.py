"""The constants of sockets, as values."""

import lwt_unix


def test_constants_print_as_ocaml_writes_them() -> None:
    constants = [lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, lwt_unix.MSG_PEEK, lwt_unix.Read]
    assert repr(constants) == "[PF_INET, SOCK_STREAM, MSG_PEEK, Read]"
