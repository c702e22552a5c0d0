"""Functions under the names that say which version of OCaml's Lwt had them so.

OCaml: module Versioned of lwt_unix.ml.
"""

from __future__ import annotations

from lwt_unix._descriptors.file_descr import File_descr, check_opened
from lwt_unix._errors import call_named
from lwt_unix._sockets.passing import recv_msg, send_msg
from lwt_unix._sockets.sockaddr import Address, to_sockaddr
from lwt_unix._sockets.sockets import bind, bind_now


class Versioned:
    """Older and newer versions of some functions, for programs that name one.

    OCaml: module Lwt_unix.Versioned
    """

    @staticmethod
    def bind_1(descriptor: File_descr, address: Address, /) -> None:
        """Give a socket its address, and return when that is done.

        OCaml: Lwt_unix.Versioned.bind_1 : file_descr -> sockaddr -> unit
        """
        function = "lwt_unix.Versioned.bind_1"
        sockaddr = to_sockaddr(function, address)
        check_opened(function, descriptor)
        with call_named("bind"):
            bind_now(descriptor, sockaddr)

    bind_2 = staticmethod(bind)
    recv_msg_2 = staticmethod(recv_msg)
    send_msg_2 = staticmethod(send_msg)
