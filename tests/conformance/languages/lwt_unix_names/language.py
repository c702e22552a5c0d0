"""Scripts that ask for names: of hosts, services, protocols, users and groups.

    (gethostname P) (gethostbyname P =HOST) (gethostbyaddr P =ADDRESS)
    (getservbyname P =NAME =PROTOCOL) (getservbyport P PORT =PROTOCOL)
    (getprotobyname P =NAME) (getprotobynumber P NUMBER)
    (getaddrinfo P =HOST =SERVICE (OPTION ...))     (family inet), (socktype stream), (protocol 6),
                                                    numerichost, canonname, passive
    (getnameinfo P =ADDRESS PORT (OPTION ...))      nofqdn, numerichost, namereqd, numericserv, dgram
    (getlogin P) (getpwnam P =NAME) (getpwuid P NUMBER) (getgrnam P =NAME) (getgrgid P NUMBER)

A name has a sign before it, so that none is empty, or a number. What is asked for stands in the tables of
this machine (`/etc/services` and so on), or nearly. Another computer is never asked: hosts are those of
`/etc/hosts`, numeric ones, and such as no resolver takes.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from tests.conformance.forms import Form
from tests.conformance.languages.lwt_unix.language import STORAGE_WEIGHTS, UnixMaker

is_word: Final = re.compile(r"[A-Za-z0-9._:/+-]+").fullmatch
"""What can be written in a program."""

NUMERIC: Final = (
    "127.0.0.1",
    "0.0.0.0",
    "::1",
    "::",
    "192.0.2.1",
    "2001:db8::7",
    "255.255.255.255",
)
STRANGE_HOSTS: Final = ("", "a..b", "x" * 70, "127.1", "2130706433")
LOCAL: Final = "127.0.0.1"
DOMAINS: Final = ("unix", "inet", "inet6")
TYPES: Final = ("stream", "stream", "dgram", "raw", "seqpacket")
FLAGS: Final = ("numerichost", "canonname", "passive")
OF_NAMES: Final = ("nofqdn", "numerichost", "namereqd", "numericserv", "dgram")


@cache
def table(path: str) -> list[list[str]]:
    """Return the words of each line of a table, without comments; fields of users count as words."""
    if not Path(path).exists():
        return []
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    return [words for line in lines if (words := line.partition("#")[0].replace(":", " ").split())]


@cache
def names(path: str, *places: int) -> tuple[str, ...]:
    """Return what stands in these places of a table, and in all behind the last one."""
    found = [line[place] for line in table(path) for place in places if place < len(line)]
    found += [word for line in table(path) for word in line[max(places) + 1 :]]
    return tuple(name for name in found if is_word(name)) or ("none",)


class NamesMaker(UnixMaker):
    """Makes scripts that ask for names."""

    def weights(self) -> dict[str, int]:
        return {
            "gethostname": 1,
            "gethostbyname": 6,
            "gethostbyaddr": 2,
            "getservbyname": 10,
            "getservbyport": 10,
            "getprotobyname": 8,
            "getprotobynumber": 6,
            "getaddrinfo": 14,
            "getnameinfo": 12,
            "getlogin": 1,
            "getpwnam": 5,
            "getpwuid": 5,
            "getgrnam": 5,
            "getgrgid": 5,
            "then": 6,
            "cancel": 2,
            "pause": 2,
            "turn": 3,
            **STORAGE_WEIGHTS,
        }

    def beginning(self) -> list[Form]:
        return [self.make_getservbyname()]

    def word(self, choices: tuple[str, ...]) -> str:
        """Choose a name, mostly as it is."""
        name = choices[self.number(len(choices))]
        change = self.number(12)
        if change == 0:
            name = name.upper()
        elif change == 1:
            name = name[:-1]
        elif change == 2:
            name += "x"
        return f"={name}"

    def transport(self) -> str:
        return ("=tcp", "=tcp", "=udp", "=udp", "=sctp", "=TCP", "=")[self.number(7)]

    def host(self, *, is_numeric: bool = False) -> str:
        kind = self.number(2 if is_numeric else 5)
        if kind == 0:
            return f"={STRANGE_HOSTS[self.number(len(STRANGE_HOSTS))]}"
        if kind == 1:
            return f"={NUMERIC[self.number(len(NUMERIC))]}"
        return f"={self.known_host()}"

    def known_host(self) -> str:
        known = [
            name
            for line in table("/etc/hosts")
            if "." in line[0]
            for name in line[1:]
            if is_word(name)
        ]
        return known[self.number(len(known))] if known else LOCAL

    def port(self) -> int:
        ports = [int(word.split("/")[0]) for _, word, *_ in table("/etc/services")] or [80]
        return ports[self.number(len(ports))] if self.number(5) else self.number(65536)

    def service(self) -> str:
        kind = self.number(4)
        if kind == 0:
            return f"={('', '0', '80', '65535', '70000', '-1', '0x50', '080')[self.number(8)]}"
        return f"={self.port()}" if kind == 1 else self.word(names("/etc/services", 0, 1))

    def make_gethostname(self) -> Form:
        return ("gethostname", self.new_promise())

    def make_getlogin(self) -> Form:
        return ("getlogin", self.new_promise())

    def make_gethostbyname(self) -> Form:
        return ("gethostbyname", self.new_promise(), self.host())

    def make_gethostbyaddr(self) -> Form:
        return ("gethostbyaddr", self.new_promise(), f"={LOCAL}")

    def make_getservbyname(self) -> Form:
        name = self.word(names("/etc/services", 0, 1))
        return ("getservbyname", self.new_promise(), name, self.transport())

    def make_getservbyport(self) -> Form:
        return ("getservbyport", self.new_promise(), self.port(), self.transport())

    def make_getprotobyname(self) -> Form:
        return ("getprotobyname", self.new_promise(), self.word(names("/etc/protocols", 0, 1)))

    def make_getprotobynumber(self) -> Form:
        number = self.number(260) if self.number(3) else self.number(2000) - 1000
        return ("getprotobynumber", self.new_promise(), number)

    def make_getaddrinfo(self) -> Form:
        options: list[Form] = []
        for _ in range(self.number(4)):
            kind = self.number(4)
            if kind == 0:
                options.append(("family", DOMAINS[self.number(3)]))
            elif kind == 1:
                options.append(("socktype", TYPES[self.number(len(TYPES))]))
            elif kind == 2:
                options.append(("protocol", self.one_of((0, 1, 6, 17, 132, 999, -1))))
            else:
                options.append(FLAGS[self.number(3)])
        # Of a host without such an address in the table, another computer would be asked.
        host = self.host(is_numeric=("family", "inet6") in options)
        return ("getaddrinfo", self.new_promise(), host, self.service(), tuple(options))

    def make_getnameinfo(self) -> Form:
        options = tuple(OF_NAMES[self.number(len(OF_NAMES))] for _ in range(self.number(3)))
        kind = self.number(4)
        if kind == 0:
            address = "/a/path"
        elif kind == 1:
            address = LOCAL
        else:
            address = NUMERIC[self.number(len(NUMERIC))]
            options = ("numerichost", *options)
        return ("getnameinfo", self.new_promise(), f"={address}", self.port(), options)

    def make_getpwnam(self) -> Form:
        return ("getpwnam", self.new_promise(), self.word(names("/etc/passwd", 0)))

    def make_getgrnam(self) -> Form:
        return ("getgrnam", self.new_promise(), self.word(names("/etc/group", 0)))

    def make_getpwuid(self) -> Form:
        return ("getpwuid", self.new_promise(), self.identity("/etc/passwd"))

    def make_getgrgid(self) -> Form:
        return ("getgrgid", self.new_promise(), self.identity("/etc/group"))

    def identity(self, path: str) -> int:
        known = [int(line[2]) for line in table(path) if len(line) > 2 and line[2].isdecimal()] or [
            0
        ]
        if self.number(4):
            return self.one_of(known)
        return self.one_of((-1, -2, 4294967294, 4294967295, 12345, self.number(70000)))
