"""What the source text of programs of `stream_programs` begins with: see `stream_source.py`.

Of these paragraphs, a program has those whose names it uses.
"""

from __future__ import annotations

from typing import Final

OCAML_PREAMBLE: Final = r"""
exception Oops

let show_exn = function
  | Oops -> "Oops" | Lwt.Canceled -> "Canceled" | Lwt_stream.Closed -> "Closed"
  | Lwt_stream.Full -> "Full" | Lwt_stream.Empty -> "Empty"
  | Invalid_argument _ -> "Invalid_argument" | exn -> Printexc.to_string exn

let show_unit () = "()"

let show_option = function None -> "()" | Some n -> sprintf "Some %d" n

let show_list l = sprintf "[%s]" (String.concat "; " (List.map string_of_int l))

let () = Lwt.async_exception_hook := fun exn -> print_endline ("hook " ^ show_exn exn)

(* The streams, and what pushes into them *)
type source = Nothing | Pushed of (int option -> unit) | Bounded of int Lwt_stream.bounded_push
let streams : int Lwt_stream.t option array = Array.make 4 None
let sources = Array.make 4 Nothing
let set ?(source = Nothing) slot stream = streams.(slot) <- Some stream; sources.(slot) <- source

let stream slot = match streams.(slot) with Some stream -> stream | None -> raise Empty_slot

(* Promises that the program resolves *)
let futures : (int Lwt.t * int Lwt.u) array = Array.init 3 (fun _ -> Lwt.task ())

let future slot = fst futures.(slot)

let resolver slot = let resolver = snd futures.(slot) in futures.(slot) <- Lwt.task (); resolver

(* The promises of all results, the newest first: how to show them and to cancel them *)
let results : ((unit -> string) * (unit -> unit)) list ref = ref []

let keep show promise =
  let number = List.length !results in
  let show_state () = match Lwt.state promise with
    | Lwt.Return value -> "=" ^ show value | Lwt.Fail exn -> "!" ^ show_exn exn | Lwt.Sleep -> "-" in
  Lwt.on_any promise
    (fun value -> printf "result %d =%s\n" number (show value))
    (fun exn -> printf "result %d !%s\n" number (show_exn exn));
  results := (show_state, fun () -> Lwt.cancel promise) :: !results

let cancel n =
  let length = List.length !results in
  if length > 0 then snd (List.nth !results (length - 1 - n mod length)) ()

let push slot n = match sources.(slot) with
  | Nothing -> ()
  | Pushed push -> push (Some n)
  | Bounded source -> keep show_unit (source#push n)

let close slot = match sources.(slot) with
  | Nothing -> () | Pushed push -> push None | Bounded source -> source#close

let resize slot n = match sources.(slot) with Bounded source -> source#resize n | _ -> ()

let is_odd n = n mod 2 = 1

let option n = if n mod 3 = 0 then None else Some n

let elements n = List.init (n mod 3) (fun i -> n + i)

let unless_zero n = if n = 0 then None else Some n

let value_or_error () =
  let errors = ref 0 in
  function Ok n -> n | Error _ -> incr errors; if !errors > 5 then raise Oops else 99

let sum = String.fold_left (fun sum c -> (sum * 31 + Char.code c) mod 10007) 0

(* A callback: each time it is called, it does what the next of some functions does. *)
let calls name functions last =
  let rest = ref functions in
  fun n ->
    printf "%s %d\n" name n;
    match !rest with [] -> last () | f :: others -> rest := others; f ()

let attempt f =
  try f () with
  | Empty_slot -> ()
  | exn -> print_endline ("raises " ^ show_exn exn)

let show_sources () =
  let show = function
    | Bounded b ->
      sprintf "%d/%d%s%s" b#count b#size (if b#blocked then "b" else "") (if b#closed then "c" else "")
    | _ -> "" in
  " | " ^ String.concat "," (Array.to_list (Array.map show sources))

let step number f =
  attempt f;
  let show_stream = function
    | None -> "?" | Some stream -> if Lwt_stream.is_closed stream then "c" else "o" in
  printf "%d | %s | %s%s\n" number
    (String.concat " " (List.rev_map (fun (show, _) -> show ()) !results))
    (String.concat "" (Array.to_list (Array.map show_stream streams))) {sources}
"""

PYTHON_PREAMBLE: Final = r"""
class Oops(Exception): pass

def show_exn(exn):
    return "Invalid_argument" if isinstance(exn, ValueError) else type(exn).__name__

def show(value):
    match value:
        case None: return "()"
        case lwt.Some(inner): return f"Some {inner}"
        case bool(): return str(value).lower()
        case bytes(): return value.decode()
        case list(): return f"[{'; '.join(map(str, value))}]"
    return str(value)

lwt.async_exception_hook.contents = lambda exn: print("hook", show_exn(exn))

# The streams, and what pushes into them
streams, sources = [None] * 4, [None] * 4
def set_(slot, stream, source=None): streams[slot], sources[slot] = stream, source

def stream(slot): return streams[slot] or throw(EmptySlot())

# Promises that the program resolves
futures = [lwt.task() for _ in range(3)]

def future(slot): return futures[slot][0]

def resolver(slot):
    (_, found), futures[slot] = futures[slot], lwt.task()
    return found

# The promises of all results
results = []

def keep(promise):
    number = len(results)
    lwt.on_any(promise, lambda value: print("result", number, f"={show(value)}"),
               lambda exn: print("result", number, f"!{show_exn(exn)}"))
    results.append(promise)

def cancel(n):
    if results: lwt.cancel(results[n % len(results)])

def push(slot, n):
    match sources[slot]:
        case lwt_stream.bounded_push() as source: keep(source.push(n))
        case push if push: push(lwt.Some(n))

def close(slot):
    match sources[slot]:
        case lwt_stream.bounded_push() as source: source.close()
        case push if push: push(None)

def resize(slot, n):
    if isinstance(sources[slot], lwt_stream.bounded_push): sources[slot].resize(n)

def ignore(n): return None

def number(n): return n

def is_odd(n): return n % 2 == 1

def option(n): return None if n % 3 == 0 else lwt.Some(n)

def elements(n): return [n + i for i in range(n % 3)]

def unless_zero(n): return None if n == 0 else lwt.Some(n)

def value_or_error():
    errors = iter([99] * 5)
    return lambda result: result.value if isinstance(result, lwt.Ok) else next(errors, None) or throw(Oops())

def sum_(line):
    total = 0
    for character in line: total = (total * 31 + character) % 10007
    return total

# A callback: each time it is called, it does what the next of some functions does.
def calls(name, functions, last):
    rest = iter(functions)
    return lambda n: print(name, n) or next(rest, last)()

def attempt(function):
    try: function()
    except EmptySlot: pass
    except Exception as exn: print("raises", show_exn(exn))

def show_state(promise):
    match lwt.state(promise):
        case lwt.Return(value): return f"={show(value)}"
        case lwt.Fail(exn): return f"!{show_exn(exn)}"
    return "-"

def show_source(source):
    if not isinstance(source, lwt_stream.bounded_push): return ""
    return f"{source.count}/{source.size}{'b' * source.blocked}{'c' * source.closed}"

def show_sources(): return " | " + ",".join(map(show_source, sources))

def step(number, function):
    attempt(function)
    closed = "".join("?" if s is None else "c" if lwt_stream.is_closed(s) else "o" for s in streams)
    print(f"{number} | {' '.join(map(show_state, results))} | {closed}", {sources}, sep="")
"""
