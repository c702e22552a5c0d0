"""Printing in boxes, with lines that break where they may: OCaml's Format, for channels.

A format says where a line may be broken (`@ `, `@,`), and what belongs together (`@[`, `@]`). Then lines are as
long as has room in the margin, 78 bytes at first. Printing returns a promise, as writing to a channel does.

>>> from lwt_unix import lwt_fmt, lwt_io, lwt_main
>>> def show_list(out, names):
...     out.printf("@[<hov 1>[")
...     for name in names[:-1]:
...         out.printf("%s;@ ", name)
...     out.printf("%s]@]", names[-1])
>>> async def main():
...     reading, writing = lwt_io.pipe()
...     async with writing:
...         out = lwt_fmt.of_channel(writing)
...         lwt_fmt.get_formatter(out).set_margin(30)
...         await lwt_fmt.fprintf(out, "@[<2>sons =@ %a@]@.", show_list, ["Reuben", "Simeon", "Levi", "Judah"])
...     return await lwt_io.read(reading)
>>> print(lwt_main.run(main()).decode(), end="")
sons =
  [Reuben; Simeon; Levi;
   Judah]

What may still be broken otherwise waits. It is written at a flush, that is at `@.`, `@?`, `%!` or `flush`, and
not by itself when the program ends: let the last format end in `@.`.

In reading order: `_pieces`, formats taken apart; `_pretty_printer`, where lines are broken; `_formatters`, how what
is printed comes to a channel.

OCaml: Lwt_fmt (src/unix/lwt_fmt.ml), and Format of the standard library
"""

from lwt._core.publish import publish as _publish
from lwt_unix.lwt_fmt._formatters import (
    Flush,
    Formatter,
    Order,
    String,
    eprintf,
    flush,
    fprintf,
    get_formatter,
    ifprintf,
    ikfprintf,
    kfprintf,
    make_formatter,
    make_stream,
    of_channel,
    printf,
    stderr,
    stdout,
    write_order,
    write_pending,
)
from lwt_unix.lwt_fmt._pretty_printer import Pretty_printer

__all__ = [
    # Printing
    "printf",
    "eprintf",
    "fprintf",
    "kfprintf",
    "ifprintf",
    "ikfprintf",
    "flush",
    # Formatters
    "Formatter",
    "formatter",
    "of_channel",
    "stdout",
    "stderr",
    # Pretty-printers
    "Pretty_printer",
    "get_formatter",
    "make_formatter",
    # Orders
    "Order",
    "order",
    "String",
    "Flush",
    "make_stream",
    "write_order",
    "write_pending",
]

formatter = Formatter
order = Order

_publish(__name__)
