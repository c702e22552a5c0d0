"""Running scripts that ask for names: what `lwt_unix/run.py` does, and these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import lwt_unix
from tests.conformance.forms import Form
from tests.conformance.languages.lwt_unix.run import UnixRun

DOMAINS: Final = {
    "unix": lwt_unix.PF_UNIX,
    "inet": lwt_unix.PF_INET,
    "inet6": lwt_unix.PF_INET6,
}
TYPES: Final = {
    "stream": lwt_unix.SOCK_STREAM,
    "dgram": lwt_unix.SOCK_DGRAM,
    "raw": lwt_unix.SOCK_RAW,
    "seqpacket": lwt_unix.SOCK_SEQPACKET,
}
FLAGS: Final[dict[str, lwt_unix.Getaddrinfo_option]] = {
    "numerichost": lwt_unix.AI_NUMERICHOST,
    "canonname": lwt_unix.AI_CANONNAME,
    "passive": lwt_unix.AI_PASSIVE,
}


def plain(word: str) -> str:
    """Return a name without the sign before it."""
    return word[1:]


def show_names(names: Sequence[str]) -> str:
    return f"[{','.join(names)}]"


def show_address(address: lwt_unix.Sockaddr) -> str:
    if isinstance(address, lwt_unix.ADDR_UNIX):
        return f"path {address.path}"
    return f"{address.addr}:{address.port}"


def show_host(host: lwt_unix.Host_entry) -> str:
    aliases, addresses = show_names(host.h_aliases), show_names(host.h_addr_list)
    return f"{host.h_name} {aliases} {host.h_addrtype} {addresses}"


def show_service(service: lwt_unix.Service_entry) -> str:
    aliases = show_names(service.s_aliases)
    return f"{service.s_name} {aliases} {service.s_port} {service.s_proto}"


def show_protocol(protocol: lwt_unix.Protocol_entry) -> str:
    return f"{protocol.p_name} {show_names(protocol.p_aliases)} {protocol.p_proto}"


def show_info(info: lwt_unix.Addr_info) -> str:
    address = show_address(info.ai_addr)
    kind = f"{info.ai_family} {info.ai_socktype} {info.ai_protocol}"
    return f"{kind} {address} {info.ai_canonname}"


def show_all_info(found: list[lwt_unix.Addr_info]) -> str:
    return "; ".join(map(show_info, found))


def show_name(name: lwt_unix.Name_info) -> str:
    return f"{name.ni_hostname} {name.ni_service}"


def show_user(user: lwt_unix.Passwd_entry) -> str:
    numbers = f"{user.pw_uid}:{user.pw_gid}"
    return (
        f"{user.pw_name}:{user.pw_passwd}:{numbers}:{user.pw_gecos}:{user.pw_dir}:{user.pw_shell}"
    )


def show_group(group: lwt_unix.Group_entry) -> str:
    return f"{group.gr_name}:{group.gr_passwd}:{group.gr_gid}:{','.join(group.gr_mem)}"


def info_option(form: Form) -> lwt_unix.Getaddrinfo_option:
    match form:
        case ("family", str(name)):
            return lwt_unix.AI_FAMILY(DOMAINS[name])
        case ("socktype", str(name)):
            return lwt_unix.AI_SOCKTYPE(TYPES[name])
        case ("protocol", int(number)):
            return lwt_unix.AI_PROTOCOL(number)
        case _:
            return FLAGS[str(form)]


class NamesRun(UnixRun):
    """One run of one script that asks for names."""

    def do_gethostname(self, p: int) -> None:
        self._watch(p, str, lwt_unix.gethostname())

    def do_gethostbyname(self, p: int, name: str) -> None:
        self._watch(p, show_host, lwt_unix.gethostbyname(plain(name)))

    def do_gethostbyaddr(self, p: int, host: str) -> None:
        self._watch(p, show_host, lwt_unix.gethostbyaddr(plain(host)))

    def do_getservbyname(self, p: int, name: str, protocol: str) -> None:
        finding = lwt_unix.getservbyname(plain(name), plain(protocol))
        self._watch(p, show_service, finding)

    def do_getservbyport(self, p: int, port: int, protocol: str) -> None:
        self._watch(p, show_service, lwt_unix.getservbyport(port, plain(protocol)))

    def do_getprotobyname(self, p: int, name: str) -> None:
        self._watch(p, show_protocol, lwt_unix.getprotobyname(plain(name)))

    def do_getprotobynumber(self, p: int, number: int) -> None:
        self._watch(p, show_protocol, lwt_unix.getprotobynumber(int(number)))

    def do_getaddrinfo(self, p: int, host: str, service: str, options: Form) -> None:
        opts = [info_option(option) for option in options]
        finding = lwt_unix.getaddrinfo(plain(host), plain(service), opts)
        self._watch(p, show_all_info, finding)

    def do_getnameinfo(self, p: int, host: str, port: int, options: Form) -> None:
        opts = [lwt_unix.Getnameinfo_option[f"NI_{str(option).upper()}"] for option in options]
        name = plain(host)
        address = lwt_unix.ADDR_UNIX(name) if name[:1] == "/" else lwt_unix.ADDR_INET(name, port)
        self._watch(p, show_name, lwt_unix.getnameinfo(address, opts))

    def do_getlogin(self, p: int) -> None:
        self._watch(p, str, lwt_unix.getlogin())

    def do_getpwnam(self, p: int, name: str) -> None:
        self._watch(p, show_user, lwt_unix.getpwnam(plain(name)))

    def do_getpwuid(self, p: int, number: int) -> None:
        self._watch(p, show_user, lwt_unix.getpwuid(int(number)))

    def do_getgrnam(self, p: int, name: str) -> None:
        self._watch(p, show_group, lwt_unix.getgrnam(plain(name)))

    def do_getgrgid(self, p: int, number: int) -> None:
        self._watch(p, show_group, lwt_unix.getgrgid(int(number)))
