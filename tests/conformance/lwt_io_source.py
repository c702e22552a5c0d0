"""Scripts of `lwt_io_language.py` as source text: channels. See `script_source.py`."""

from __future__ import annotations

from typing import Final

OCAML_PREAMBLE: Final = r"""
(* Whether a channel is one for input, and the channel, of whichever type *)
external any_channel : 'a Lwt_io.channel -> 'b Lwt_io.channel = "%identity"
let channels : (int, bool * Lwt_io.input_channel) Hashtbl.t = Hashtbl.create 16

let keep_input slot ic = Hashtbl.replace channels slot (true, ic)

let keep_output slot oc = Hashtbl.replace channels slot (false, any_channel oc)

let is_input slot = fst (find channels slot)

let channel slot = snd (find channels slot)

let input slot = if is_input slot then channel slot else raise Empty_slot

let output slot : Lwt_io.output_channel =
  if is_input slot then raise Empty_slot else any_channel (channel slot)

let buffer size =
  let memory = Lwt_bytes.create size in
  Lwt_bytes.fill memory 0 size '.';
  memory

(* The function of a channel does at each call what the next step says. *)
let next_step c rest give length = match !rest with
  | [] -> Lwt.map give (waiting (60 + c) Fun.id)
  | step :: others -> rest := others; step give length

let gives count give _ = Lwt.return (give count)

let reads c steps =
  let rest = ref steps and position = ref 0 in
  let source = "ab\ncd\r\ne\rf\n\nghijklmnopqrstuvwxyz0123456789 end of the line\r\n" in
  fun buffer offset length ->
    let give count =
      let count = min count length in
      for i = 0 to count - 1 do
        Lwt_bytes.set buffer (offset + i) source.[(!position + i) mod String.length source]
      done;
      position := !position + count;
      count in
    event (sprintf "c%d reads %d at %d" c length offset);
    next_step c rest give length

let writes c steps =
  let rest = ref steps in
  fun buffer offset length ->
    let data = Lwt_bytes.to_string (Lwt_bytes.proxy buffer offset length) in
    event (sprintf "c%d writes %s at %d" c (show_data data) offset);
    next_step c rest (fun count -> min (max 1 count) length) length

let show_read buffer count = sprintf "%d %s" count (show_data (Bytes.to_string buffer))

let tell_state slot =
  let c = channel slot in
  let busy = match Lwt_io.is_busy c with
    | true -> "busy" | false -> "not busy" | exception exn -> show_exn exn in
  event (sprintf "c%d %s, %s, %d buffered of %d, at %Ld" slot busy
    (if Lwt_io.is_closed c then "closed" else "not closed")
    (Lwt_io.buffered c) (Lwt_io.buffer_size c) (Lwt_io.position c))

let block slot size =
  Lwt_io.block (channel slot) size (fun buffer offset ->
    event (sprintf "block at %d" offset);
    if is_input slot then Lwt.return (Lwt_bytes.to_string (Lwt_bytes.proxy buffer offset size))
    else begin
      Lwt_bytes.fill buffer offset size '#';
      Lwt.return ""
    end)

let direct_access slot move times =
  let is_input = is_input slot in
  Lwt_io.direct_access (channel slot) (fun access ->
    let rec go_on times =
      let start = access.Lwt_io.da_ptr in
      access.da_ptr <- min (start + move) access.da_max;
      if not is_input then Lwt_bytes.fill access.da_buffer start (access.da_ptr - start) '@';
      event (sprintf "from %d to %d" access.da_ptr access.da_max);
      if times = 0 then Lwt.return_unit
      else Lwt.bind (access.da_perform ()) (fun count ->
        event (sprintf "performed %d" count);
        go_on (times - 1)) in
    go_on times)

let borrow c temporary is_input channel =
  event (sprintf "c%d is borrowed as c%d" c temporary);
  Hashtbl.replace channels temporary (is_input, channel)

(* The promise of all that was started since then *)
let join_since before =
  let rec since all = if all == before then [] else List.hd all :: since (List.tl all) in
  Lwt.join (since !started)
"""

PYTHON_PREAMBLE: Final = r"""
channels = {}

def keep_channel(slot, channel): channels[slot] = channel

def channel(slot): return find(channels, slot)

def input_(slot):
    return channel(slot) if isinstance(channel(slot), lwt_io.InputChannel) else throw(EmptySlot())

def output(slot):
    return channel(slot) if isinstance(channel(slot), lwt_io.OutputChannel) else throw(EmptySlot())

def buffer(size): return memoryview(bytearray(b"." * size))

# The function of a channel does at each call what the next step says.
def next_step(c, rest, give, length):
    wait = lambda give, _: lwt.map(give, waiting(60 + c))
    return next(rest, wait)(give, length)

def gives(count): return lambda give, _: lwt.return_(give(count))

def reads(c, steps):
    rest, position = iter(steps), 0
    source = b"ab\ncd\r\ne\rf\n\nghijklmnopqrstuvwxyz0123456789 end of the line\r\n"
    def read(buffer, offset, length):
        def give(count):
            nonlocal position
            count = min(count, length)
            for i in range(count): buffer[offset + i] = source[(position + i) % len(source)]
            position += count
            return count
        event(f"c{c} reads {length} at {offset}")
        return next_step(c, rest, give, length)
    return read

def writes(c, steps):
    rest = iter(steps)
    def write(buffer, offset, length):
        event(f"c{c} writes {show_data(buffer[offset:offset + length])} at {offset}")
        return next_step(c, rest, lambda count: min(max(1, count), length), length)
    return write

def tell_state(slot):
    c = channel(slot)
    try: busy = "busy" if lwt_io.is_busy(c) else "not busy"
    except lwt.Failure as exn: busy = show_exn(exn)
    event(f"c{slot} {busy}, {'closed' if lwt_io.is_closed(c) else 'not closed'}, "
          f"{lwt_io.buffered(c)} buffered of {lwt_io.buffer_size(c)}, at {lwt_io.position(c)}")

def block(slot, size):
    def use(buffer, offset):
        event(f"block at {offset}")
        place = slice(offset, offset + size)
        if isinstance(channel(slot), lwt_io.InputChannel): return lwt.return_(bytes(buffer[place]))
        buffer[place] = b"#" * size
        return lwt.return_(b"")
    return lwt_io.block(channel(slot), size, use)

def direct_access(slot, move, times):
    is_input = isinstance(channel(slot), lwt_io.InputChannel)
    def use(access):
        def go_on(left):
            start = access.da_ptr
            access.da_ptr = end = min(start + move, access.da_max)
            if not is_input: access.da_buffer[start:end] = b"@" * (end - start)
            event(f"from {end} to {access.da_max}")
            if left == 0: return lwt.return_unit
            return lwt.bind(access.da_perform(), lambda count: performed(left, count))
        def performed(left, count):
            event(f"performed {count}")
            return go_on(left - 1)
        return go_on(times)
    return lwt_io.direct_access(channel(slot), use)

def borrow(c, temporary, channel):
    event(f"c{c} is borrowed as c{temporary}")
    channels[temporary] = channel

# The promise of all that was started since then
def join_since(before): return lwt.join(reversed(started[before:]))
"""

# Besides the arguments: {Keep}, {mode} and {transfer} for input or output, {steps} of a channel's
# function, {close}, what closes it, {buffer}, how large its memory is; {body} of a function that
# is given a channel.
OCAML: Final = {
    "io_pipe": "let ic, oc = Lwt_io.pipe ~in_buffer:(buffer {2}) ~out_buffer:(buffer {3}) () in\n"
    "keep_input {0} ic; keep_output {1} oc",
    "io_of_fd": "let fd = descriptor {1} in\n"
    "keep_{2} {0} (Lwt_io.of_fd ~buffer:(buffer {3}) {close}~mode:Lwt_io.{2} fd)",
    "io_make": "keep_{1} {0} (Lwt_io.make ~buffer:(buffer {2}) {close}~mode:Lwt_io.{1}\n"
    "  ({transfer} {0} {steps}))",
    "io_read_line": "watch {0} show_data (Lwt_io.read_line (input {1}))",
    "io_read_line_opt": "watch {0} show_option (Lwt_io.read_line_opt (input {1}))",
    "io_read_char": "watch {0} show_char (Lwt_io.read_char (input {1}))",
    "io_read_char_opt": "watch {0} show_char_option (Lwt_io.read_char_opt (input {1}))",
    "io_read_all": "watch {0} show_data (Lwt_io.read (input {1}))",
    "io_read": "watch {0} show_data (Lwt_io.read ~count:{2} (input {1}))",
    "io_read_into": "let memory = Bytes.make {2} '.' in\n"
    "watch {0} (show_read memory) (Lwt_io.read_into (input {1}) memory {3} {4})",
    "io_read_into_exactly": "let memory = Bytes.make {2} '.' in\n"
    "watch {0} (fun () -> show_data (Bytes.to_string memory))\n"
    "  (Lwt_io.read_into_exactly (input {1}) memory {3} {4})",
    "io_write": "watch {0} show_unit (Lwt_io.write (output {1}) {text})",
    "io_write_letters": "let oc = output {1} in\n"
    "watch {0} show_unit (Lwt_io.write oc (Bytes.to_string (letters {2})))",
    "io_write_line": "watch {0} show_unit (Lwt_io.write_line (output {1}) {text})",
    "io_write_char": "watch {0} show_unit (Lwt_io.write_char (output {1}) {text}.[0])",
    "io_write_from": "let oc = output {1} in\n"
    "watch {0} string_of_int (Lwt_io.write_from oc (letters {2}) {3} {4})",
    "io_write_from_exactly": "let oc = output {1} in\n"
    "watch {0} show_unit (Lwt_io.write_from_exactly oc (letters {2}) {3} {4})",
    "io_flush": "watch {0} show_unit (Lwt_io.flush (output {1}))",
    "io_close": "watch {0} show_unit (Lwt_io.close (channel {1}))",
    "io_abort": "watch {0} show_unit (Lwt_io.abort (channel {1}))",
    "io_state": "tell_state {0}",
    "io_resize_buffer": "watch {0} show_unit (Lwt_io.resize_buffer (channel {1}) {2})",
    "io_block": "watch {0} show_data (block {1} {2})",
    "io_direct_access": "watch {0} show_unit (direct_access {1} {2} {3})",
    "io_atomic": "let is_of_input = is_input {1} in\nwatch {0} show_unit (Lwt_io.atomic {body} (channel {1}))",
}
PYTHON: Final = {
    "io_pipe": "ic, oc = lwt_io.pipe(in_buffer=buffer({2}), out_buffer=buffer({3}))\n"
    "keep_channel({0}, ic)\n"
    "keep_channel({1}, oc)",
    "io_of_fd": "fd = descriptor({1})\n"
    "keep_channel({0}, lwt_io.of_fd(fd, mode=lwt_io.{mode}, buffer=buffer({3}){close}))",
    "io_make": "keep_channel({0}, lwt_io.make({transfer}({0}, {steps}), "
    "mode=lwt_io.{mode}, buffer=buffer({2}){close}))",
    "io_read_line": "watch({0}, show_data, lwt_io.read_line(input_({1})))",
    "io_read_line_opt": "watch({0}, show_option, lwt_io.read_line_opt(input_({1})))",
    "io_read_char": "watch({0}, show_data, lwt_io.read_char(input_({1})))",
    "io_read_char_opt": "watch({0}, show_option, lwt_io.read_char_opt(input_({1})))",
    "io_read_all": "watch({0}, show_data, lwt_io.read(input_({1})))",
    "io_read": "watch({0}, show_data, lwt_io.read(input_({1}), count={2}))",
    "io_read_into": "memory = bytearray(b'.' * {2})\n"
    'watch({0}, lambda count: f"{{count}} {{show_data(memory)}}", '
    "lwt_io.read_into(input_({1}), memory, {3}, {4}))",
    "io_read_into_exactly": "memory = bytearray(b'.' * {2})\n"
    "watch({0}, lambda _: show_data(memory), "
    "lwt_io.read_into_exactly(input_({1}), memory, {3}, {4}))",
    "io_write": "watch({0}, show_unit, lwt_io.write(output({1}), b{text}))",
    "io_write_letters": "watch({0}, show_unit, lwt_io.write(output({1}), letters({2})))",
    "io_write_line": "watch({0}, show_unit, lwt_io.write_line(output({1}), b{text}))",
    "io_write_char": "watch({0}, show_unit, lwt_io.write_char(output({1}), b{text}))",
    "io_write_from": "watch({0}, str, lwt_io.write_from(output({1}), letters({2}), {3}, {4}))",
    "io_write_from_exactly": "watch({0}, show_unit, "
    "lwt_io.write_from_exactly(output({1}), letters({2}), {3}, {4}))",
    "io_flush": "watch({0}, show_unit, lwt_io.flush(output({1})))",
    "io_close": "watch({0}, show_unit, lwt.apply(lwt_io.close, channel({1})))",
    "io_abort": "watch({0}, show_unit, lwt.apply(lwt_io.abort, channel({1})))",
    "io_state": "tell_state({0})",
    "io_resize_buffer": "watch({0}, show_unit, lwt_io.resize_buffer(channel({1}), {2}))",
    "io_block": "watch({0}, show_data, block({1}, {2}))",
    "io_direct_access": "watch({0}, show_unit, direct_access({1}, {2}, {3}))",
    "io_atomic": "watch({0}, show_unit, lwt_io.atomic({body})(channel({1})))",
}

OCAML_STEPS: Final = {
    "end": "(fun _ _ -> Lwt.return 0)",
    "raise": "(fun _ _ -> raise (E 2))",
    "reject": "(fun _ _ -> Lwt.fail (E 3))",
    "much": "(fun _ length -> Lwt.return (length + 1))",
    "negative": "(fun _ _ -> Lwt.return (-1))",
    "later": "(fun give _ -> Lwt.bind (Lwt.pause ()) (fun () -> Lwt.return (give 5)))",
    "wait": "(fun give _ -> Lwt.map give (waiting {slot} Fun.id))",
}
PYTHON_STEPS: Final = {
    "end": "lambda *_: lwt.return_(0)",
    "raise": "lambda *_: throw(E(2))",
    "reject": "lambda *_: lwt.fail(E(3))",
    "much": "lambda _, length: lwt.return_(length + 1)",
    "negative": "lambda *_: lwt.return_(-1)",
    "later": "lambda give, _: lwt.bind(lwt.pause(), lambda _: lwt.return_(give(5)))",
    "wait": "lambda give, _: lwt.map(give, waiting({slot}))",
}

OCAML_CLOSES: Final = {
    "close": "Lwt_unix.close fd",
    "quiet": "Lwt.return_unit",
    "raise": "raise (E 4)",
    "reject": "Lwt.fail (E 5)",
    "wait": "waiting {slot} ignore",
}
PYTHON_CLOSES: Final = {
    "close": "lwt_unix.close(fd)",
    "quiet": "lwt.return_unit",
    "raise": "throw(E(4))",
    "reject": "lwt.fail(E(5))",
    "wait": "waiting({slot})",
}

# How functions end that are given channels
OCAML_ENDS: Final = {
    "joins": "join_since before",
    "returns": "Lwt.return_unit",
    "raises": "raise (E 6)",
    "rejects": "Lwt.fail (E 7)",
    "pauses": "Lwt.pause ()",
    "waits": "waiting {slot} ignore",
}
PYTHON_ENDS: Final = {
    "joins": "return join_since(before)",
    "returns": "return lwt.return_unit",
    "raises": "raise E(6)",
    "rejects": "return lwt.fail(E(7))",
    "pauses": "return lwt.pause()",
    "waits": "return waiting({slot})",
}
