"""What tests of sockets share: sockets that are closed at the end, errors of the system."""

from collections.abc import Callable

import pytest

import lwt_unix
from lwt_unix import lwt_main
from tests.support.descriptors import Pair


class Open:
    """Makes descriptors, and closes those that a test leaves open."""

    def __init__(self) -> None:
        self.descriptors: list[lwt_unix.File_descr] = []

    def __call__(self, descriptor: lwt_unix.File_descr) -> lwt_unix.File_descr:
        self.descriptors.append(descriptor)
        return descriptor

    def socket(
        self,
        domain: lwt_unix.Socket_domain = lwt_unix.PF_INET,
        type: lwt_unix.Socket_type = lwt_unix.SOCK_STREAM,
    ) -> lwt_unix.File_descr:
        return self(lwt_unix.socket(domain, type, 0))

    def listener(self, address: lwt_unix.Address = ("127.0.0.1", 0)) -> lwt_unix.File_descr:
        descriptor = self.socket(lwt_unix.domain_of_sockaddr(address))
        lwt_main.run(lwt_unix.bind(descriptor, address))
        lwt_unix.listen(descriptor, 10)
        return descriptor

    def client_of(self, listener: lwt_unix.File_descr) -> lwt_unix.File_descr:
        address = lwt_unix.getsockname(listener)
        client = self.socket(lwt_unix.domain_of_sockaddr(address))
        lwt_main.run(lwt_unix.connect(client, address))
        return client

    def pair(self, type: lwt_unix.Socket_type = lwt_unix.SOCK_STREAM) -> Pair:
        near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, type, 0)
        return self(near), self(far)


def raised_by(call: Callable[[], object]) -> int | None:
    """The number of the error of the system that a call raises."""
    with pytest.raises(OSError) as raised:  # noqa: PT011  (the caller compares the number)
        call()
    return raised.value.errno


def unix_error_of(call: Callable[[], object]) -> tuple[int, str, str]:
    """What OCaml would say of the error that a call raises: number, name of the call, argument."""
    with pytest.raises(OSError) as raised:  # noqa: PT011  (the caller compares all of it)
        call()
    return lwt_unix.unix_error(raised.value)
