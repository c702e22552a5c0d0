"""Scripts of `lwt_unix_language.py` as source text: descriptors, promises and the main loop.

What is for scripts of all kinds is in `script_source.py`, which uses these tables.
"""

from __future__ import annotations

from typing import Final

OCAML_PREAMBLE: Final = r"""
let event = print_endline

let first_word text = List.hd (String.split_on_char ':' (List.hd (String.split_on_char ' ' text)))

let show_exn = function
  | E number -> sprintf "E%d" number
  | Unix.Unix_error (error, _, _) -> Unix.error_message error
  | Lwt.Canceled -> "Canceled"
  | Invalid_argument text -> "Invalid_argument " ^ first_word text
  | Failure text -> "Failure " ^ first_word text
  | Lwt_io.Channel_closed kind -> "Channel_closed " ^ kind
  | exn -> Printexc.to_string exn

let show_data text = sprintf "\"%s\"" (String.escaped text)

let show_unit () = "()"

let show_option = function None -> "None" | Some text -> "Some " ^ show_data text

let show_char c = show_data (String.make 1 c)

let show_char_option = function None -> "None" | Some c -> "Some " ^ show_char c

let show_state = function
  | Lwt_unix.Opened -> "Opened"
  | Lwt_unix.Closed -> "Closed"
  | Lwt_unix.Aborted exn -> "Aborted " ^ show_exn exn

let () =
  Sys.set_signal Sys.sigpipe Sys.Signal_ignore;
  Lwt_engine.set (new Lwt_engine.select); (* the order of events is that of the numbers *)
  (Lwt_unix.set_default_async_method Lwt_unix.Async_none) [@alert "-deprecated"]; (* no threads *)
  Lwt.async_exception_hook := fun exn -> event ("hook " ^ show_exn exn)

(* Once through the main loop, as Lwt 6 does it *)
let turn () = Lwt_engine.iter false; Lwt.wakeup_paused ()

let settle () = for _ = 1 to 60 do turn () done

let find slots slot = match Hashtbl.find_opt slots slot with Some x -> x | None -> raise Empty_slot

let descriptors : (int, Lwt_unix.file_descr) Hashtbl.t = Hashtbl.create 16

let descriptor slot = find descriptors slot

let keep slot fd = Hashtbl.replace descriptors slot fd

let keep_pair one other (a, b) = keep one a; keep other b

let small (a, b) =
  List.iter (fun fd -> Lwt_unix.setsockopt_int fd Unix.SO_SNDBUF 2048) [a; b];
  a, b

let path number = sprintf "/tmp/lwt-%d-%d" (Unix.getpid ()) number

let address number = Unix.ADDR_UNIX (path number)

let promises : (int, unit Lwt.t) Hashtbl.t = Hashtbl.create 16

let promise slot = find promises slot

(* All that was started, the newest first *)
let started : unit Lwt.t list ref = ref []

external any : 'a Lwt.t -> unit Lwt.t = "%identity"

let watch_derived slot show promise =
  Hashtbl.replace promises slot (any promise);
  Lwt.on_any promise
    (fun value -> event (sprintf "p%d = %s" slot (show value)))
    (fun exn -> event (sprintf "p%d fails, %s" slot (show_exn exn)))

let watch slot show promise = started := any promise :: !started; watch_derived slot show promise

let watch_read slot buffer offset promise =
  watch slot (fun count -> show_data (Bytes.sub_string buffer offset count)) promise

let resolvers : (int, (int, exn) result -> unit) Hashtbl.t = Hashtbl.create 16

let resolve slot result =
  let resolver = find resolvers slot in
  Hashtbl.remove resolvers slot;
  if Lwt.is_sleeping (promise slot) then resolver result

(* A promise for [resolve] *)
let waiting slot value =
  let promise, resolver = Lwt.task () in
  Lwt.on_cancel promise (fun () -> event (sprintf "p%d is cancelled" slot));
  started := any promise :: !started;
  Hashtbl.replace promises slot (any promise);
  Hashtbl.replace resolvers slot (function
    | Ok number -> Lwt.wakeup_later resolver (value number)
    | Error exn -> Lwt.wakeup_later_exn resolver exn);
  promise

let picked promises =
  if List.length (List.filter (fun p -> not (Lwt.is_sleeping p)) promises) > 1
  then raise Empty_slot (* one of them would be taken at random *)
  else Lwt.pick promises

let after slot f = Lwt.on_any (promise slot) (fun () -> f ()) (fun _ -> f ())

(* What is written; no two bytes in a row are the same. *)
let written = ref 0
let letters count =
  let start = !written in
  written := start + count;
  Bytes.init count (fun i -> Char.chr (97 + (start + i) mod 26))

let amount total = if total < 4096 then string_of_int total else "much"

(* Until the system says "not now" *)
let fill fd =
  let rec go_on total =
    let writing = Lwt_unix.write fd (Bytes.make 4096 'x') 0 4096 in
    match Lwt.state writing with
    | Lwt.Return count -> go_on (total + count)
    | Lwt.Fail exn -> event (sprintf "filled %s, %s" (amount total) (show_exn exn))
    | Lwt.Sleep -> Lwt.cancel writing; event ("filled " ^ amount total) in
  go_on 0

let drain fd =
  let rec go_on total =
    let reading = Lwt_unix.read fd (Bytes.create 65536) 0 65536 in
    match Lwt.state reading with
    | Lwt.Return 0 -> event (sprintf "drained %s, end" (amount total))
    | Lwt.Return count -> go_on (total + count)
    | Lwt.Fail exn -> event (sprintf "drained %s, %s" (amount total) (show_exn exn))
    | Lwt.Sleep -> Lwt.cancel reading; event ("drained " ^ amount total) in
  go_on 0

let named = function Unix.ADDR_UNIX "" -> "unnamed" | _ -> "named"

(* A system call of our own: what happens each time it is tried *)
let action slot outcomes =
  let rest = ref outcomes in
  fun () -> match !rest with
    | [] -> event (sprintf "p%d tries, done" slot); 0
    | (name, outcome) :: others ->
      rest := others;
      event (sprintf "p%d tries, %s" slot name);
      outcome ()

let attempt f =
  try f () with
  | Empty_slot -> ()
  | exn -> event ("raises " ^ show_exn exn)

let step number f = event (string_of_int number); attempt f
"""

PYTHON_PREAMBLE: Final = r"""
def event(text): print(text, flush=True)

def first_word(text): return text.split(" ")[0].split(":")[0]

def show_exn(exn):
    match exn:
        case E(): return f"E{exn.args[0]}"
        case OSError(): return os.strerror(exn.errno)
        case ValueError(): return f"Invalid_argument {first_word(str(exn))}"
        case lwt.Failure(): return f"Failure {first_word(str(exn))}"
        case EOFError(): return "End_of_file"
        case LookupError(): return "Not_found"
    return f"{type(exn).__name__} {exn}".strip()

def show_data(data): return '"' + bytes(data).decode().encode("unicode_escape").decode() + '"'

def show_unit(_): return "()"

def show_option(value): return f"Some {show_data(value.value)}" if value else "None"

def show_bool(value): return "true" if value else "false"

def show_state(state):
    return f"Aborted {show_exn(state.exn)}" if isinstance(state, lwt_unix.Aborted) else repr(state)

lwt_engine.set(lwt_engine.select())  # the order of events is that of the numbers

lwt.async_exception_hook.contents = lambda exn: event(f"hook {show_exn(exn)}")

# Once through the main loop
def turn():
    lwt_engine.iter(False)
    if lwt.paused_count(): lwt.wakeup_paused()

def settle():
    for _ in range(60): turn()

def find(slots, slot): return slots[slot] if slot in slots else throw(EmptySlot())

descriptors = {}

def descriptor(slot): return find(descriptors, slot)

def keep(slot, fd): descriptors[slot] = fd

def keep_pair(one, other, pair): descriptors[one], descriptors[other] = pair

def small(pair):
    for fd in pair: lwt_unix.setsockopt_int(fd, lwt_unix.SO_SNDBUF, 2048)
    return pair

def path(number): return f"/tmp/lwt-{os.getpid()}-{number}"

def address(number): return lwt_unix.ADDR_UNIX(path(number))

promises = {}

def promise(slot): return find(promises, slot)

# All that was started
started = []

def watch_derived(slot, show, promise):
    promises[slot] = promise
    lwt.on_any(promise, lambda value: event(f"p{slot} = {show(value)}"),
               lambda exn: event(f"p{slot} fails, {show_exn(exn)}"))

def watch(slot, show, promise):
    started.append(promise)
    watch_derived(slot, show, promise)

def watch_read(slot, buffer, offset, promise):
    watch(slot, lambda count: show_data(buffer[offset:offset + count]), promise)

# An error at the first attempt raises since Lwt 6.0. In 5.6.1 it rejects, as here.
def rejecting(fd, call, *arguments):
    was_opened = lwt_unix.state(fd) is lwt_unix.Opened
    try: return call(*arguments)
    except ValueError: raise
    except Exception as exn:
        if not was_opened and call not in (lwt_unix.wait_read, lwt_unix.wait_write): raise
        failure = exn
    return lwt.fail(failure)

resolvers = {}

def resolve(slot, result):
    resolver = find(resolvers, slot)
    del resolvers[slot]
    if lwt.is_sleeping(promise(slot)): lwt.wakeup_later_result(resolver, result)

# A promise for `resolve`
def waiting(slot):
    promise, resolver = lwt.task()
    lwt.on_cancel(promise, lambda: event(f"p{slot} is cancelled"))
    started.append(promise)
    promises[slot], resolvers[slot] = promise, resolver
    return promise

def picked(promises):
    if sum(not lwt.is_sleeping(p) for p in promises) > 1:
        raise EmptySlot  # one of them would be taken at random
    return lwt.pick(promises)

def after(slot, function):
    lwt.on_any(promise(slot), lambda _: function(), lambda _: function())

# What is written; no two bytes in a row are the same.
written = 0
def letters(count):
    global written
    start, written = written, written + count
    return bytes(97 + (start + i) % 26 for i in range(count))

def amount(total): return str(total) if total < 4096 else "much"

# Until the system says "not now"
def fill(fd):
    total = 0
    while True:
        writing = rejecting(fd, lwt_unix.write, fd, b"x" * 4096, 0, 4096)
        match lwt.state(writing):
            case lwt.Return(count): total += count
            case lwt.Fail(exn): return event(f"filled {amount(total)}, {show_exn(exn)}")
            case _:
                lwt.cancel(writing)
                return event(f"filled {amount(total)}")

def drain(fd):
    total = 0
    while True:
        reading = rejecting(fd, lwt_unix.read, fd, bytearray(65536), 0, 65536)
        match lwt.state(reading):
            case lwt.Return(0): return event(f"drained {amount(total)}, end")
            case lwt.Return(count): total += count
            case lwt.Fail(exn): return event(f"drained {amount(total)}, {show_exn(exn)}")
            case _:
                lwt.cancel(reading)
                return event(f"drained {amount(total)}")

def named(address): return "unnamed" if address == lwt_unix.ADDR_UNIX("") else "named"

# A system call of our own: what happens each time it is tried
def action(slot, outcomes):
    rest = iter(outcomes)
    def call():
        name, outcome = next(rest, ("done", lambda: 0))
        event(f"p{slot} tries, {name}")
        return outcome()
    return call

def attempt(function):
    try: function()
    except EmptySlot: pass
    except Exception as exn: event(f"raises {show_exn(exn)}")

def step(number, function):
    event(number)
    attempt(function)
"""

# What a statement is in each. A number in braces stands for an argument. Others are {block},
# a function that executes statements; {calls}, what `action` goes through; {direction};
# {command}, {flags}, {exn}, {slots}, {text} and {length}.
OCAML: Final = {
    "pipe": "keep_pair {0} {1} (Lwt_unix.pipe ())",
    "socketpair": "keep_pair {0} {1} (Lwt_unix.socketpair Unix.PF_UNIX Unix.SOCK_STREAM 0)",
    "small_socketpair": "keep_pair {0} {1} "
    "(small (Lwt_unix.socketpair Unix.PF_UNIX Unix.SOCK_STREAM 0))",
    "datagrams": "keep_pair {0} {1} (Lwt_unix.socketpair Unix.PF_UNIX Unix.SOCK_DGRAM 0)",
    "dup": "keep {1} (Lwt_unix.dup (descriptor {0}))",
    "dup2": "let target = descriptor {1} in\n"
    "if Lwt_unix.state target <> Lwt_unix.Closed then Lwt_unix.dup2 (descriptor {0}) target",
    "read": "let memory = Bytes.make {2} '.' in\n"
    "watch_read {0} memory {3} (Lwt_unix.read (descriptor {1}) memory {3} {4})",
    "recv": "let memory = Bytes.make {2} '.' in\n"
    "watch_read {0} memory {3} (Lwt_unix.recv (descriptor {1}) memory {3} {4} {flags})",
    "recvfrom": "let memory = Bytes.make {2} '.' in\n"
    "watch {0} (fun (count, _) -> show_data (Bytes.sub_string memory 0 count))\n"
    "  (Lwt_unix.recvfrom (descriptor {1}) memory 0 {2} [])",
    "write": "let fd = descriptor {1} in\n"
    "watch {0} string_of_int (Lwt_unix.write fd (letters {2}) {3} {4})",
    "write_string": "let fd = descriptor {1} in\n"
    "watch {0} string_of_int (Lwt_unix.write_string fd (Bytes.to_string (letters {2})) {3} {4})",
    "write_text": "watch {0} string_of_int "
    "(Lwt_unix.write_string (descriptor {1}) {text} 0 {length})",
    "send": "let fd = descriptor {1} in\n"
    "watch {0} string_of_int (Lwt_unix.send fd (letters {2}) {3} {4} [])",
    "sendto": "let fd = descriptor {1} in\n"
    "watch {0} string_of_int (Lwt_unix.sendto fd (letters {2}) 0 {2} [] (address {3}))",
    "fill": "fill (descriptor {0})",
    "drain": "drain (descriptor {0})",
    "wait_read": "watch {0} show_unit (Lwt_unix.wait_read (descriptor {1}))",
    "wait_write": "watch {0} show_unit (Lwt_unix.wait_write (descriptor {1}))",
    "readable": 'event (sprintf "readable %b" (Lwt_unix.readable (descriptor {0})))',
    "writable": 'event (sprintf "writable %b" (Lwt_unix.writable (descriptor {0})))',
    "wrap_syscall": "watch {0} string_of_int\n"
    "  (Lwt_unix.wrap_syscall Lwt_unix.{direction} (descriptor {1}) (action {0} {calls}))",
    "register_action": "let fd = descriptor {1} in\n"
    "Lwt_unix.check_descriptor fd; (* OCaml leaves it to the caller *)\n"
    "watch {0} string_of_int\n"
    "  (Lwt_unix.register_action Lwt_unix.{direction} fd (action {0} {calls}))",
    "close": "watch {0} show_unit (Lwt_unix.close (descriptor {1}))",
    "abort": "Lwt_unix.abort (descriptor {0}) {exn}",
    "state": 'event ("state " ^ show_state (Lwt_unix.state (descriptor {0})))',
    "check_descriptor": "Lwt_unix.check_descriptor (descriptor {0})",
    "shutdown": "Lwt_unix.shutdown (descriptor {0}) Unix.{command}",
    "blocking": "watch {0} string_of_bool (Lwt_unix.blocking (descriptor {1}))",
    "set_blocking": "Lwt_unix.set_blocking (descriptor {0}) ({1} = 1)",
    "socket": "keep {0} (Lwt_unix.socket Unix.PF_UNIX Unix.SOCK_STREAM 0)",
    "datagram_socket": "keep {0} (Lwt_unix.socket Unix.PF_UNIX Unix.SOCK_DGRAM 0)",
    "bind": "watch {0} show_unit (Lwt_unix.bind (descriptor {1}) (address {2}))",
    "listen": "Lwt_unix.listen (descriptor {0}) {1}",
    "connect": "watch {0} show_unit (Lwt_unix.connect (descriptor {1}) (address {2}))",
    "accept": 'watch {0} (fun (fd, _) -> keep {2} fd; "a client")\n'
    "  (Lwt_unix.accept (descriptor {1}))",
    "accept_n": "let show (clients, exn) =\n"
    "  List.iteri (fun i (fd, _) -> keep ({3} + i) fd) clients;\n"
    '  sprintf "%d clients%s" (List.length clients)\n'
    '    (match exn with None -> "" | Some exn -> ", " ^ show_exn exn) in\n'
    "watch {0} show (Lwt_unix.accept_n (descriptor {1}) {2})",
    "getsockname": "event (named (Lwt_unix.getsockname (descriptor {0})))",
    "getpeername": "event (named (Lwt_unix.getpeername (descriptor {0})))",
    "cancel": "Lwt.cancel (promise {0})",
    "then": "after {0} {block}",
    "pick": 'watch_derived {0} (fun _ -> "picked") (picked {slots})',
    "protected": 'watch_derived {0} (fun _ -> "protected") (Lwt.protected (promise {1}))',
    "pause": "watch {0} show_unit (Lwt.pause ())",
    "wakeup": "resolve {0} (Ok {1})",
    "wakeup_exn": "resolve {0} (Error {exn})",
    "turn": "turn ()",
    "settle": "settle ()",
}

PYTHON: Final = {
    "pipe": "keep_pair({0}, {1}, lwt_unix.pipe())",
    "socketpair": "keep_pair({0}, {1}, "
    "lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0))",
    "small_socketpair": "keep_pair({0}, {1}, "
    "small(lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)))",
    "datagrams": "keep_pair({0}, {1}, "
    "lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0))",
    "dup": "keep({1}, lwt_unix.dup(descriptor({0})))",
    "dup2": "target = descriptor({1})\n"
    "if lwt_unix.state(target) is not lwt_unix.Closed: lwt_unix.dup2(descriptor({0}), target)",
    "read": "fd, memory = descriptor({1}), bytearray(b'.' * {2})\n"
    "watch_read({0}, memory, {3}, rejecting(fd, lwt_unix.read, fd, memory, {3}, {4}))",
    "recv": "fd, memory = descriptor({1}), bytearray(b'.' * {2})\n"
    "watch_read({0}, memory, {3}, rejecting(fd, lwt_unix.recv, fd, memory, {3}, {4}, {flags}))",
    "recvfrom": "fd, memory = descriptor({1}), bytearray(b'.' * {2})\n"
    "watch({0}, lambda received: show_data(memory[:received[0]]),"
    " rejecting(fd, lwt_unix.recvfrom, fd, memory, 0, {2}, []))",
    "write": "fd = descriptor({1})\n"
    "watch({0}, str, rejecting(fd, lwt_unix.write, fd, letters({2}), {3}, {4}))",
    "write_string": "fd = descriptor({1})\n"
    "watch({0}, str, rejecting(fd, lwt_unix.write_string, fd, letters({2}).decode(), {3}, {4}))",
    "write_text": "fd = descriptor({1})\n"
    "watch({0}, str, rejecting(fd, lwt_unix.write_string, fd, {text}, 0, {length}))",
    "send": "fd = descriptor({1})\n"
    "watch({0}, str, rejecting(fd, lwt_unix.send, fd, letters({2}), {3}, {4}, []))",
    "sendto": "fd = descriptor({1})\n"
    "watch({0}, str, rejecting(fd, lwt_unix.sendto, fd, letters({2}), 0, {2}, [], address({3})))",
    "fill": "fill(descriptor({0}))",
    "drain": "drain(descriptor({0}))",
    "wait_read": "fd = descriptor({1})\n"
    "watch({0}, show_unit, rejecting(fd, lwt_unix.wait_read, fd))",
    "wait_write": "fd = descriptor({1})\n"
    "watch({0}, show_unit, rejecting(fd, lwt_unix.wait_write, fd))",
    "readable": 'event("readable " + show_bool(lwt_unix.readable(descriptor({0}))))',
    "writable": 'event("writable " + show_bool(lwt_unix.writable(descriptor({0}))))',
    "wrap_syscall": "fd = descriptor({1})\n"
    "watch({0}, str, "
    "rejecting(fd, lwt_unix.wrap_syscall, lwt_unix.{direction}, fd, action({0}, {calls})))",
    "register_action": "watch({0}, str, "
    "lwt_unix.register_action(lwt_unix.{direction}, descriptor({1}), action({0}, {calls})))",
    "close": "watch({0}, show_unit, lwt_unix.close(descriptor({1})))",
    "abort": "lwt_unix.abort(descriptor({0}), {exn})",
    "state": 'event("state " + show_state(lwt_unix.state(descriptor({0}))))',
    "check_descriptor": "lwt_unix.check_descriptor(descriptor({0}))",
    "shutdown": "lwt_unix.shutdown(descriptor({0}), lwt_unix.{command})",
    "blocking": "watch({0}, show_bool, lwt_unix.blocking(descriptor({1})))",
    "set_blocking": "lwt_unix.set_blocking(descriptor({0}), {1} == 1)",
    "socket": "keep({0}, lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0))",
    "datagram_socket": "keep({0}, lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0))",
    "bind": "watch({0}, show_unit, lwt_unix.bind(descriptor({1}), address({2})))",
    "listen": "lwt_unix.listen(descriptor({0}), {1})",
    "connect": "fd = descriptor({1})\n"
    "watch({0}, show_unit, rejecting(fd, lwt_unix.connect, fd, address({2})))",
    "accept": "fd = descriptor({1})\n"
    'watch({0}, lambda accepted: keep({2}, accepted[0]) or "a client", '
    "rejecting(fd, lwt_unix.accept, fd))",
    "accept_n": "def show(accepted):\n"
    "    clients, exn = accepted\n"
    "    for i, (fd, _) in enumerate(clients): keep({3} + i, fd)\n"
    "    return f\"{{len(clients)}} clients{{', ' + show_exn(exn.value) if exn else ''}}\"\n"
    "watch({0}, show, lwt_unix.accept_n(descriptor({1}), {2}))",
    "getsockname": "event(named(lwt_unix.getsockname(descriptor({0}))))",
    "getpeername": "event(named(lwt_unix.getpeername(descriptor({0}))))",
    "cancel": "lwt.cancel(promise({0}))",
    "then": "after({0}, {block})",
    "pick": 'watch_derived({0}, lambda _: "picked", picked({slots}))',
    "protected": 'watch_derived({0}, lambda _: "protected", lwt.protected(promise({1})))',
    "pause": "watch({0}, show_unit, lwt.pause())",
    "wakeup": "resolve({0}, lwt.Ok({1}))",
    "wakeup_exn": "resolve({0}, lwt.Error({exn}))",
    "turn": "turn()",
    "settle": "settle()",
}
