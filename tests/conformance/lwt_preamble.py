"""What the source text of programs of `lwt_language` begins with: see `lwt_source.py`.

Of these paragraphs, a program has those whose names it uses.
"""

from __future__ import annotations

from typing import Final

OCAML_PREAMBLE: Final = r"""
let show_exn = function
  | E n -> sprintf "E%d" n | Lwt.Canceled -> "Canceled" | Failure _ -> "Failure"
  | Invalid_argument text ->
    let word = List.hd (String.split_on_char ' ' text) in
    "Invalid_argument " ^ List.hd (String.split_on_char ':' word)
  | Out_of_memory -> "MemoryError" | Stack_overflow -> "RecursionError"
  | exn -> Printexc.to_string exn

(* Values of any type: what their memory tells. (), false, None and [] are 0 there. *)
let show_value value =
  let left = ref 100 and with_arguments = [E 0; Failure ""; Invalid_argument ""] in
  let is_exn value =
    let constructor = if Obj.size value > 1 then Obj.field value 0 else value in
    let is_its exn = Obj.field (Obj.repr exn) 0 == constructor in
    Obj.tag value = Obj.object_tag || List.exists is_its with_arguments in
  let rec show value =
    decr left;
    if !left < 0 then ".."
    else if Obj.is_int value then string_of_int (Obj.obj value)
    else if is_exn value then show_exn (Obj.obj value)
    else if Obj.tag value = 1 then "Error " ^ show (Obj.field value 0)
    else if Obj.size value = 1 then "Some " ^ show (Obj.field value 0)
    else begin
      let first = show (Obj.field value 0) in
      sprintf "(%s, %s)" first (show (Obj.field value 1))
    end in
  show (Obj.repr value)

(* All promises have one type, so that each may go anywhere. *)
external any : 'a -> 'b = "%identity"
let promises : int Lwt.t option array = Array.make {slots} None
let made : int Lwt.t list ref = ref []

let keep slot promise =
  promises.(slot) <- Some (any promise);
  made := any promise :: !made

let promise slot = match promises.(slot) with Some p -> any p | None -> raise Empty_slot

let promise_or_0 slot = match promises.(slot) with Some p -> any p | None -> any (Lwt.return 0)

let resolvers : int Lwt.u option array = Array.make {slots} None

let resolver slot = match resolvers.(slot) with Some u -> u | None -> raise Empty_slot

let keep_both slot (promise, resolver) = resolvers.(slot) <- Some resolver; keep slot promise

let keys : int Lwt.key array = Array.init {keys} (fun _ -> Lwt.new_key ())

let log event =
  let show_state promise = match Lwt.state promise with
    | Lwt.Sleep -> "-" | Lwt.Return value -> show_value value | Lwt.Fail exn -> "!" ^ show_exn exn in
  let seen key = match Lwt.get key with None -> "-" | Some value -> string_of_int value in
  printf "%s | %s | %s\n%!" event (String.concat " " (List.map seen (Array.to_list keys)))
    (String.concat " " (List.rev_map show_state !made))

let () = Lwt.async_exception_hook := fun exn -> log ("hook " ^ show_exn exn)

let call number argument = log (sprintf "%d(%s)" number argument)

let attempt f = try f () with Empty_slot -> ()

let step number f =
  let finished =
    match attempt f with () -> "ends" | exception exn -> "raises " ^ show_exn exn in
  log (sprintf "statement %d %s, %d paused" number finished (Lwt.paused_count ()))

let await number slot go_on = match promises.(slot) with
  | None -> go_on ()
  | Some promise ->
    Lwt.bind promise (fun _ -> log (sprintf "%d goes on" number); go_on ())

let handled number f = try f () with exn -> log (sprintf "%d raises %s" number (show_exn exn))

(* A hook or a notifier: does not call itself, and acts 20 times at most *)
let limited () = ref false, ref 0
let hooks = limited ()
let notifiers = limited ()
let within (busy, runs) f =
  if not !busy && !runs < 20 then begin
    busy := true;
    incr runs;
    Fun.protect f ~finally:(fun () -> busy := false)
  end

let set_hook f =
  Lwt.async_exception_hook := fun exn ->
    log ("hook " ^ show_exn exn);
    within hooks (fun () -> f exn)

let notifier f count = within notifiers (fun () -> f count)

let located = function E n -> E (n + 100) | exn -> exn

[@@@alert "-deprecated"]
let sequence : int Lwt.u Lwt_sequence.t = Lwt_sequence.create ()

let take taken value = match taken with None -> () | Some resolver -> Lwt.wakeup resolver value

let tell_poll promise =
  log (match Lwt.poll promise with None -> "poll None" | Some v -> "poll " ^ show_value v)

let tell_sleeping promise =
  log (if Lwt.is_sleeping promise then "is sleeping" else "is not sleeping")

(* Puts numbers for the promises in the result of nchoose_split *)
let numbered (values, rest) =
  let rec number n promise = function
    | [] -> raise Not_found
    | first :: others -> if first == promise then n else number (n + 1) promise others in
  values, List.map (fun promise -> number 0 (any promise) (List.rev !made)) rest

(* Promises in a row, each woken by a callback of the one before: the last has f. *)
let is_nesting = ref false
let nested_wakeups depth f =
  if not !is_nesting then begin
    is_nesting := true;
    let row = Array.init (max 1 depth) (fun _ -> Lwt.wait ()) in
    let last = Array.length row - 1 in
    for i = 0 to last - 1 do
      Lwt.on_success (fst row.(i)) (fun () ->
        Lwt.wakeup (snd row.(i + 1)) ();
        if i = last - 1 then log "back")
    done;
    Lwt.on_success (fst row.(last)) f;
    Lwt.wakeup (snd row.(0)) ();
    is_nesting := false
  end

(* A promise that is a proxy of one that is a proxy of one ... of the last *)
let chain promise length =
  let resolvers = ref [] and last = ref promise in
  for _ = 1 to length do
    let gate, resolver = Lwt.wait () in
    let inner = !last in
    resolvers := resolver :: !resolvers;
    last := Lwt.bind gate (fun () -> inner)
  done;
  List.iter (fun resolver -> Lwt.wakeup resolver ()) (List.rev !resolvers);
  !last

(* A loop that ends as the promise does *)
let loop promise length =
  let resolvers = Queue.create () in
  let rec turn n =
    if n = 0 then promise
    else begin
      let gate, resolver = Lwt.wait () in
      Queue.add resolver resolvers;
      Lwt.bind gate (fun () -> turn (n - 1))
    end in
  let first = turn length in
  while not (Queue.is_empty resolvers) do Lwt.wakeup (Queue.pop resolvers) () done;
  first
"""

PYTHON_PREAMBLE: Final = r"""
def show_exn(exn):
    if isinstance(exn, E): return f"E{exn.args[0]}"
    if isinstance(exn, ValueError): return f"Invalid_argument {str(exn).split()[0].rstrip(':')}"
    return type(exn).__name__

# Values of any type: what OCaml's memory tells. (), false, None and [] are 0 there.
def show_value(value):
    left = 100
    def show(value):
        nonlocal left
        left -= 1
        if left < 0: return ".."
        match value:
            case None | False | []: return "0"
            case True: return "1"
            case [first, *rest] if isinstance(value, list): return f"({show(first)}, {show(rest)})"
            case tuple(): return f"({', '.join(map(show, value))})"
            case lwt.Some(inner) | lwt.Ok(inner): return f"Some {show(inner)}"
            case lwt.Error(inner): return f"Error {show(inner)}"
            case Exception(): return show_exn(value)
        return str(value)
    return show(value)

promises = {}
made = []

def keep(slot, promise):
    promises[slot] = promise
    made.append(promise)

def promise(slot): return promises[slot] if slot in promises else throw(EmptySlot())

def promise_or_0(slot): return promises[slot] if slot in promises else lwt.return_(0)

resolvers = {}

def resolver(slot): return resolvers[slot] if slot in resolvers else throw(EmptySlot())

def keep_both(slot, pair):
    promise, resolvers[slot] = pair
    keep(slot, promise)

keys = [lwt.new_key() for _ in range({keys})]

def show_state(promise):
    match lwt.state(promise):
        case lwt.Return(value): return show_value(value)
        case lwt.Fail(exn): return f"!{show_exn(exn)}"
    return "-"

def log(event):
    seen = [str(lwt.get(key).value) if lwt.get(key) else "-" for key in keys]
    print(event, " ".join(seen), " ".join(map(show_state, made)), sep=" | ")

lwt.async_exception_hook.contents = lambda exn: log(f"hook {show_exn(exn)}")

def call(number, argument): log(f"{number}({argument})")

def attempt(function):
    try: function()
    except EmptySlot: pass

def step(number, function):
    end = "ends"
    try: attempt(function)
    except Exception as exn: end = f"raises {show_exn(exn)}"
    log(f"statement {number} {end}, {lwt.paused_count()} paused")

def await_(number, slot, go_on):
    if slot not in promises: return go_on()
    return lwt.bind(promises[slot], lambda _: log(f"{number} goes on") or go_on())

def handled(number, function):
    failure = None
    try: function()
    except Exception as exn: failure = exn
    if failure: log(f"{number} raises {show_exn(failure)}")

# A hook or a notifier: does not call itself, and acts 20 times at most
class Limited:
    def __init__(self): self.is_busy, self.runs = False, 0
    def run(self, function, *arguments):
        if self.is_busy or self.runs == 20: return
        self.is_busy, self.runs = True, self.runs + 1
        try: function(*arguments)
        finally: self.is_busy = False
hooks, notifiers = Limited(), Limited()

def set_hook(function):
    lwt.async_exception_hook.contents = lambda exn: (
        log(f"hook {show_exn(exn)}") or hooks.run(function, exn))

def notifier(function): return lambda count: notifiers.run(function, count)

def located(exn): return E(exn.args[0] + 100) if isinstance(exn, E) else exn

sequence = lwt_sequence.create()

def take(taken, value):
    if taken: lwt.wakeup(taken.value, value)

def tell_poll(promise):
    found = lwt.poll(promise)
    log(f"poll {show_value(found.value)}" if found else "poll None")

def tell_sleeping(promise):
    log("is sleeping" if lwt.is_sleeping(promise) else "is not sleeping")

# Puts numbers for the promises in the result of nchoose_split
def numbered(split):
    values, rest = split
    return values, [next(n for n, p in enumerate(made) if p is promise) for promise in rest]

# Promises in a row, each woken by a callback of the one before: the last has the function.
is_nesting = False
def nested_wakeups(depth, function):
    global is_nesting
    if is_nesting: return
    is_nesting = True
    row = [lwt.wait() for _ in range(max(1, depth))]
    def wake(i):
        lwt.wakeup(row[i][1], None)
        if i == len(row) - 1: log("back")
    for i in range(1, len(row)): lwt.on_success(row[i - 1][0], lambda _, i=i: wake(i))
    lwt.on_success(row[-1][0], lambda _: function())
    lwt.wakeup(row[0][1], None)
    is_nesting = False

# A promise that is a proxy of one that is a proxy of one ... of the last
def chain(promise, length):
    resolvers = []
    for _ in range(length):
        gate, resolver = lwt.wait()
        resolvers.append(resolver)
        promise = lwt.bind(gate, lambda _, inner=promise: inner)
    for resolver in resolvers: lwt.wakeup(resolver, None)
    return promise

# A loop that ends as the promise does
def loop(promise, length):
    resolvers = []
    def turn(n):
        if n == 0: return promise
        gate, resolver = lwt.wait()
        resolvers.append(resolver)
        return lwt.bind(gate, lambda _: turn(n - 1))
    first = turn(length)
    for resolver in resolvers: lwt.wakeup(resolver, None)  # there are more meanwhile
    return first
"""
