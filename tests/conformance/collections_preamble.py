"""What the source text of programs of `collections_programs` begins with: see `collections_source.py`.

Of these paragraphs, a program has those whose names it uses.
"""

from __future__ import annotations

from typing import Final

OCAML_PREAMBLE: Final = r"""
let show_exn = function
  | E n -> sprintf "E%d" n | Not_found -> "Not_found" | Lwt.Canceled -> "Canceled"
  | Invalid_argument _ -> "Invalid_argument" | exn -> Printexc.to_string exn

let show_int = string_of_int

let show_bool b = if b then "True" else "False"

let show_unit () = "None"

let show_list values = sprintf "[%s]" (String.concat " " (List.map string_of_int values))

let show_pair (a, b) = show_list a ^ show_list b

let show_option = function None -> "None" | Some v -> string_of_int v

let show_result = function Ok v -> sprintf "Ok %d" v | Error v -> sprintf "Error %d" v

let show_both = function Ok (a, b) -> show_list [a; b] | Error v -> sprintf "Error %d" v

let show_caught = function Ok v -> sprintf "Ok %d" v | Error exn -> "Error " ^ show_exn exn

let show_promise promise = match Lwt.state promise with
  | Lwt.Return text -> text | Lwt.Fail exn -> show_exn exn | Lwt.Sleep -> "pending"

let promises : string Lwt.t option array = Array.make 6 None

let resolvers : int Lwt.u option array = Array.make 6 None

let key : int Lwt.key = Lwt.new_key ()

let log event =
  let storage = match Lwt.get key with None -> "-" | Some v -> string_of_int v in
  let states = List.filter_map (Option.map show_promise) (Array.to_list promises) in
  print_endline (String.concat " | " (sprintf "%s @%s" event storage :: states))

let () = Lwt.async_exception_hook := fun exn -> log ("hook " ^ show_exn exn)

let keep slot promise =
  promises.(slot) <- Some promise;
  Lwt.on_any promise (fun text -> log (sprintf "slot %d gives %s" slot text))
    (fun exn -> log (sprintf "slot %d fails %s" slot (show_exn exn)))

let cancel slot = Option.iter Lwt.cancel promises.(slot)

let after slot f =
  let call _ = ignore (f 0) in
  Option.iter (fun promise -> Lwt.on_any promise call call) promises.(slot)

let resolve slot how =
  let resolver = resolvers.(slot) in
  resolvers.(slot) <- None;
  try Option.iter how resolver with Invalid_argument _ -> log "invalid"

(* The promises of the resolvers *)
let given = Array.make 6 (Lwt.return 0)

let pending slot (promise, resolver) =
  resolvers.(slot) <- Some resolver;
  given.(slot) <- promise;
  promise

let call number argument = log (sprintf "call %d on %d" number argument)

(* A function that does at each call what the next of some functions does. *)
let in_turn functions last =
  let rest = ref functions in
  fun x -> match !rest with [] -> last x | f :: others -> rest := others; f x

let early f = try f 0 with E n -> Lwt.fail (E n)

let is_odd v = v land 1 = 1

let option v = if v mod 3 = 0 then None else Some v

let result v = if is_odd v then Ok v else Error v

let result_or_exn v = if is_odd v then Ok v else Error (E v)

let nodes functions =
  let rec node place functions () = match functions with
    | [] -> log "end"; Lwt.return Lwt_seq.Nil
    | f :: others -> Lwt.map (fun v -> Lwt_seq.Cons (v, node (place + 1) others)) (f place) in
  node 1 functions

let rec promised functions () = match functions with
  | [] -> Seq.Nil
  | f :: others -> let first = early f in Seq.Cons (first, promised others)

let next = function
  | [] -> None
  | f :: others -> try Some (f 0, others) with E _ -> None

let next_lwt = function
  | [] -> Lwt.return None
  | f :: others -> Lwt.map (fun v -> Some (v, others)) (f 0)

let flat sources =
  let source = in_turn sources Lwt_seq.return in
  fun x -> log (sprintf "flat %d" x); source x

(* Evaluates up to so many nodes, each of them twice *)
let rec go_through n seq =
  if n = 0 then Lwt.return "more"
  else Lwt.bind (seq ()) (fun _ -> Lwt.bind (seq ()) (function
    | Lwt_seq.Nil -> Lwt.return "end"
    | Lwt_seq.Cons (x, rest) -> log (sprintf "node %d" x); go_through (n - 1) rest))

(* Numbers that compare equal can be told apart. *)
[@@@alert "-deprecated"]
module Queues = Lwt_pqueue.Make (struct
  type t = int
  let compare x y = printf "compare %d %d\n" x y; compare (x / 2) (y / 2)
end)
let queues = Array.make 3 Queues.empty
let set slot queue =
  queues.(slot) <- queue;
  log (sprintf "queue %s %d %s" (show_bool (Queues.is_empty queue)) (Queues.size queue)
    (show_option (Queues.lookup_min queue)))

let step number f =
  match f () with
  | () -> log (sprintf "statement %d ends" number)
  | exception exn -> log (sprintf "statement %d raises %s" number (show_exn exn))
"""

PYTHON_PREAMBLE: Final = r"""
def show_exn(exn):
    if isinstance(exn, E): return f"E{exn.args[0]}"
    if isinstance(exn, ValueError): return "Invalid_argument"
    return "Not_found" if isinstance(exn, LookupError) else type(exn).__name__

def show_list(values): return f"[{' '.join(map(str, values))}]"

def show_pair(lists): return show_list(lists[0]) + show_list(lists[1])

def show_result(result):
    return f"Ok {result.value}" if isinstance(result, lwt.Ok) else f"Error {result.error}"

def show_both(both): return show_list(both.value) if isinstance(both, lwt.Ok) else show_result(both)

def show_caught(caught):
    return show_result(caught) if isinstance(caught, lwt.Ok) else f"Error {show_exn(caught.error)}"

def show_promise(promise):
    match lwt.state(promise):
        case lwt.Return(text): return text
        case lwt.Fail(exn): return show_exn(exn)
    return "pending"

promises = [None] * 6

resolvers = [None] * 6

key = lwt.new_key()

def log(event):
    storage = lwt.get(key).value if lwt.get(key) else "-"
    print(f"{event} @{storage}", *[show_promise(p) for p in promises if p is not None], sep=" | ")

lwt.async_exception_hook.contents = lambda exn: log(f"hook {show_exn(exn)}")

def keep(slot, promise):
    promises[slot] = promise
    lwt.on_any(promise, lambda text: log(f"slot {slot} gives {text}"),
               lambda exn: log(f"slot {slot} fails {show_exn(exn)}"))

def cancel(slot):
    if promises[slot]: lwt.cancel(promises[slot])

def ignore(_): return None

def after(slot, function):
    call = lambda _: ignore(function(0))
    if promises[slot]: lwt.on_any(promises[slot], call, call)

def resolve(slot, how):
    resolver, resolvers[slot] = resolvers[slot], None
    try:
        if resolver: how(resolver)
    except ValueError: log("invalid")

# The promises of the resolvers
given = [lwt.return_(0)] * 6

def pending(slot, made):
    given[slot], resolvers[slot] = made
    return given[slot]

def call(number, argument): log(f"call {number} on {argument}")

# A function that does at each call what the next of some functions does.
def in_turn(functions, last):
    rest = iter(functions)
    return lambda x: next(rest, last)(x)

def early(function):
    try: return function(0)
    except E as exn: failure = exn
    return lwt.fail(failure)

def same(x): return x

def is_odd(value): return value % 2 == 1

def option(value): return None if value % 3 == 0 else lwt.Some(value)

def result(value): return lwt.Ok(value) if value % 2 else lwt.Error(value)

def result_or_exn(value): return lwt.Ok(value) if value % 2 else lwt.Error(E(value))

def nodes(functions, place=1):
    def node():
        if not functions:
            log("end")
            return lwt.return_(lwt_seq.Nil)
        first, *others = functions
        return lwt.map(lambda v: lwt_seq.Cons(v, nodes(others, place + 1)), first(place))
    return node

class promised:
    def __init__(self, functions): self.functions = functions
    def __iter__(self): return map(early, self.functions)

def next_(functions):
    try: return lwt.Some((functions[0](0), functions[1:])) if functions else None
    except E: return None

def next_lwt(functions):
    if not functions: return lwt.return_none
    return lwt.map(lambda v: lwt.Some((v, functions[1:])), functions[0](0))

def flat(sources):
    source = in_turn(sources, lwt_seq.return_)
    return lambda x: log(f"flat {x}") or source(x)

# Evaluates up to so many nodes, each of them twice
def go_through(n, seq):
    def go_on(node):
        if node is lwt_seq.Nil: return lwt.return_("end")
        log(f"node {node.element}")
        return go_through(n - 1, node.next)
    if n == 0: return lwt.return_("more")
    return lwt.bind(seq(), lambda _: lwt.bind(seq(), go_on))

# Numbers that compare equal can be told apart.
class Order:
    def compare(self, x, y):
        print("compare", x, y)
        return x // 2 - y // 2
Queues = lwt_pqueue.Make(Order())
queues = [Queues.empty] * 3
def set_(slot, queue):
    queues[slot] = queue
    least, size = Queues.lookup_min(queue), Queues.size(queue)
    log(f"queue {Queues.is_empty(queue)} {size} {least.value if least else None}")

def step(number, function):
    end = "ends"
    try: function()
    except Exception as exn: end = f"raises {show_exn(exn)}"
    log(f"statement {number} {end}")
"""
