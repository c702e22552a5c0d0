"""Programs of `waiting_programs.py` as source text, in OCaml and in Python.

They print what a trace tells; of the structures, only those that the program uses.
"""

from __future__ import annotations

from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.shared_source import (
    Python,
    ocaml_function,
    ocaml_program,
    ocaml_steps,
    python_function,
    python_program,
    python_steps,
)

OCAML_PREAMBLE: Final = r"""
let show_exn = function
  | E n -> sprintf "E%d" n | Lwt.Canceled -> "Canceled" | Lwt_switch.Off -> "Off"
  | Invalid_argument _ -> "ValueError" | exn -> Printexc.to_string exn

let () = Lwt.async_exception_hook := fun exn -> print_endline ("hook " ^ show_exn exn)

let yes_or_no is_so = if is_so then "y" else "n"

let ask what is_so = printf "%s %s\n" what (yes_or_no is_so)

let took = function None -> print_endline "took nothing" | Some value -> printf "took %d\n" value

let all show structures = String.concat "" (Array.to_list (Array.map show structures))

(* A unit is the number 0 to OCaml: so all promises have one type. *)
external of_unit : unit Lwt.t -> int Lwt.t = "%identity"

external to_unit : int Lwt.t -> unit Lwt.t = "%identity"

let promises : int Lwt.t option array = Array.make 8 None
let made = ref 0
let keep slot promise =
  incr made;
  let number = !made in
  promises.(slot) <- Some promise;
  Lwt.on_any promise (fun value -> printf "%d is %d\n" number value)
    (fun exn -> printf "%d fails with %s\n" number (show_exn exn))

let on slots f =
  let found = List.filter_map (fun slot -> promises.(slot)) slots in
  if List.length found = List.length slots then f found

let resolvers : int Lwt.u option array = Array.make 3 None

let resolve slot how =
  let resolver = resolvers.(slot) in
  resolvers.(slot) <- None;
  Option.iter how resolver

let pending slot (promise, resolver) = resolvers.(slot) <- Some resolver; promise

let call number = printf "call %d\n" number

let mvars : int Lwt_mvar.t array = Array.init 2 (fun _ -> Lwt_mvar.create_empty ())
let told_mvars () = all (fun mvar -> yes_or_no (Lwt_mvar.is_empty mvar)) mvars

let mutexes = Array.init 2 (fun _ -> Lwt_mutex.create ())
let told_mutexes () =
  all (fun mutex -> yes_or_no (Lwt_mutex.is_locked mutex)) mutexes
  ^ all (fun mutex -> yes_or_no (Lwt_mutex.is_empty mutex)) mutexes

let conditions : int Lwt_condition.t array = Array.init 2 (fun _ -> Lwt_condition.create ())

let switches = Array.init 2 (fun _ -> Lwt_switch.create ())
let switch number = if number = 2 then None else Some switches.(number)
let told_switches () = all (fun switch -> yes_or_no (Lwt_switch.is_on switch)) switches

(* What the functions of the pools do, call by call; later, something plain *)
let row () : (unit -> int Lwt.t) Queue.t = Queue.create ()
let creates = row () and validates = row () and checks = row () and disposes = row ()
let next row plain = match Queue.take_opt row with None -> plain () | Some f -> f ()
let return_0 () = Lwt.return 0
let member = ref 100
let create () =
  print_endline "create";
  next creates (fun () -> incr member; Lwt.return !member)
let new_pool maximum =
  Lwt_pool.create maximum create
    ~validate:(fun member ->
      printf "validate %d\n" member;
      Lwt.map (fun value -> value mod 2 = 0) (next validates return_0))
    ~check:(fun member tell ->
      printf "check %d\n" member;
      match Lwt.state (next checks return_0) with
      | Lwt.Return value -> tell (value mod 2 = 0)
      | _ -> ())
    ~dispose:(fun member -> printf "dispose %d\n" member; to_unit (next disposes return_0))
let pools = Array.init 2 (fun _ -> new_pool 1)
let told_pools () =
  let length pool = string_of_int (Lwt_pool.wait_queue_length pool) in
  String.concat " " (Array.to_list (Array.map length pools))

let step number f =
  let finished = match f () with () -> "ends" | exception exn -> "raises " ^ show_exn exn in
  let letter = function
    | None -> "-"
    | Some promise ->
      match Lwt.state promise with Lwt.Return _ -> "r" | Lwt.Fail _ -> "f" | Lwt.Sleep -> "s" in
  print_endline (String.concat " " (sprintf "statement %d" number :: finished
    :: all letter promises :: {told}))
"""

PYTHON_PREAMBLE: Final = r"""
def show_exn(exn): return f"E{exn.args[0]}" if isinstance(exn, E) else type(exn).__name__

lwt.async_exception_hook.contents = lambda exn: print("hook", show_exn(exn))

def yes_or_no(is_so): return "y" if is_so else "n"

def ask(what, is_so): print(what, yes_or_no(is_so))

def took(value): print("took", value.value if value else "nothing")

promises = [None] * 8
made = 0
def keep(slot, promise):
    global made
    made = number = made + 1
    promises[slot] = promise
    lwt.on_any(promise, lambda value: print(number, "is", value or 0),
               lambda exn: print(number, "fails with", show_exn(exn)))

def on(slots, function):
    found = [promises[slot] for slot in slots if promises[slot] is not None]
    if len(found) == len(slots): function(found)

resolvers = [None] * 3

def resolve(slot, how):
    resolver, resolvers[slot] = resolvers[slot], None
    if resolver is not None: how(resolver)

def pending(slot, made):
    promise, resolvers[slot] = made
    return promise

def call(number): print("call", number)

mvars = [lwt_mvar.create_empty() for _ in range(2)]
def told_mvars(): return "".join(yes_or_no(lwt_mvar.is_empty(mvar)) for mvar in mvars)

mutexes = [lwt_mutex.create() for _ in range(2)]
def told_mutexes():
    return "".join(yes_or_no(lwt_mutex.is_locked(mutex)) for mutex in mutexes) + "".join(
        yes_or_no(lwt_mutex.is_empty(mutex)) for mutex in mutexes)

conditions = [lwt_condition.create() for _ in range(2)]

switches = [lwt_switch.create() for _ in range(2)]
def switch(number): return None if number == 2 else lwt.Some(switches[number])
def told_switches(): return "".join(yes_or_no(lwt_switch.is_on(switch)) for switch in switches)
def set_switch(number, switch): switches[number] = switch

# What the functions of the pools do, call by call; later, something plain
creates, validates, checks, disposes = deque(), deque(), deque(), deque()
def next_(row, plain): return row.popleft()() if row else plain()
def return_0(): return lwt.return_(0)
member = 100
def next_member():
    global member
    member += 1
    return lwt.return_(member)
def create():
    print("create")
    return next_(creates, next_member)
def validate(member):
    print("validate", member)
    return lwt.map(lambda value: value % 2 == 0, next_(validates, return_0))
def check(member, tell):
    print("check", member)
    answer = lwt.state(next_(checks, return_0))
    if isinstance(answer, lwt.Return): tell(answer.value % 2 == 0)
def dispose(member):
    print("dispose", member)
    return next_(disposes, return_0)
def new_pool(maximum):
    return lwt_pool.create(maximum, create, validate=validate, check=check, dispose=dispose)
pools = [new_pool(1) for _ in range(2)]
def told_pools(): return " ".join(str(lwt_pool.wait_queue_length(pool)) for pool in pools)

def letter(promise):
    letters = {lwt.Return: "r", lwt.Fail: "f"}
    return "-" if promise is None else letters.get(type(lwt.state(promise)), "s")

def step(number, function):
    end = "ends"
    try: function()
    except Exception as exn: end = f"raises {show_exn(exn)}"
    print("statement", number, end, "".join(map(letter, promises)), *{told})
"""

# What a statement is in each; `{f}` stands for the function that it ends with.
OCAML: Final = {
    "cancel": "on [{0}] (fun found -> Lwt.cancel (List.hd found))",
    "cancel_both": "on [{0}; {1}] (fun found -> Lwt.cancel (Lwt.join (List.map to_unit found)))",
    "when": "let act = {f} in\n"
    "let act _ = Lwt.ignore_result (act ()) in\n"
    "on [{0}] (fun found -> Lwt.on_any (List.hd found) act act)",
    "wakeup": "resolve {0} (fun resolver -> Lwt.wakeup resolver {1})",
    "wakeup_later": "resolve {0} (fun resolver -> Lwt.wakeup_later resolver {1})",
    "wakeup_later_exn": "resolve {0} (fun resolver -> Lwt.wakeup_later_exn resolver (E {1}))",
    "mvar_create": "mvars.({0}) <- Lwt_mvar.create {1}",
    "mvar_create_empty": "mvars.({0}) <- Lwt_mvar.create_empty ()",
    "mvar_put": "keep {0} (of_unit (Lwt_mvar.put mvars.({1}) {2}))",
    "mvar_take": "keep {0} (Lwt_mvar.take mvars.({1}))",
    "mvar_take_available": "took (Lwt_mvar.take_available mvars.({0}))",
    "mvar_is_empty": 'ask "is_empty" (Lwt_mvar.is_empty mvars.({0}))',
    "mutex_create": "mutexes.({0}) <- Lwt_mutex.create ()",
    "mutex_lock": "keep {0} (of_unit (Lwt_mutex.lock mutexes.({1})))",
    "mutex_unlock": "Lwt_mutex.unlock mutexes.({0})",
    "mutex_is_locked": 'ask "is_locked" (Lwt_mutex.is_locked mutexes.({0}))',
    "mutex_is_empty": 'ask "is_empty" (Lwt_mutex.is_empty mutexes.({0}))',
    "mutex_with_lock": "keep {0} (Lwt_mutex.with_lock mutexes.({1}) {f})",
    "condition_create": "conditions.({0}) <- Lwt_condition.create ()",
    "condition_wait": "keep {0} (Lwt_condition.wait {mutex}conditions.({1}))",
    "condition_signal": "Lwt_condition.signal conditions.({0}) {1}",
    "condition_broadcast": "Lwt_condition.broadcast conditions.({0}) {1}",
    "condition_broadcast_exn": "Lwt_condition.broadcast_exn conditions.({0}) (E {1})",
    "switch_create": "switches.({0}) <- Lwt_switch.create ()",
    "switch_is_on": 'ask "is_on" (Lwt_switch.is_on switches.({0}))',
    "switch_turn_off": "keep {0} (of_unit (Lwt_switch.turn_off switches.({1})))",
    "switch_check": "Lwt_switch.check (switch {0})",
    "switch_add_hook": "let hook = {f} in\n"
    "Lwt_switch.add_hook (switch {0}) (fun () -> to_unit (hook ()))",
    "switch_add_hook_or_exec": "let hook = {f} in\n"
    "keep {0} (of_unit (Lwt_switch.add_hook_or_exec (switch {1}) (fun () -> to_unit (hook ()))))",
    "switch_with_switch": "let work = {f} in\n"
    "keep {0} (Lwt_switch.with_switch (fun made -> switches.({1}) <- made; work ()))",
    "pool_create": "pools.({0}) <- new_pool {1}",
    "pool_create_plain": "pools.({0}) <- Lwt_pool.create {1} create",
    "pool_use": "let work = {f} in\n"
    'keep {0} (Lwt_pool.use pools.({1}) (fun member -> printf "use %d\\n" member; work ()))',
    "pool_clear": "keep {0} (of_unit (Lwt_pool.clear pools.({1})))",
    "pool_wait_queue_length": 'printf "%d waiting\\n" (Lwt_pool.wait_queue_length pools.({0}))',
    "next_create": "Queue.push {f} creates",
    "next_validate": "Queue.push {f} validates",
    "next_check": "Queue.push {f} checks",
    "next_dispose": "Queue.push {f} disposes",
}
PYTHON: Final = {
    "cancel": "on([{0}], lambda found: lwt.cancel(found[0]))",
    "cancel_both": "on([{0}, {1}], lambda found: lwt.cancel(lwt.join(found)))",
    "when": "on([{0}], lambda found: lwt.on_any(found[0], *[lambda _: lwt.ignore_result({f}())] * 2))",
    "wakeup": "resolve({0}, lambda resolver: lwt.wakeup(resolver, {1}))",
    "wakeup_later": "resolve({0}, lambda resolver: lwt.wakeup_later(resolver, {1}))",
    "wakeup_later_exn": "resolve({0}, lambda resolver: lwt.wakeup_later_exn(resolver, E({1})))",
    "mvar_create": "mvars[{0}] = lwt_mvar.create({1})",
    "mvar_create_empty": "mvars[{0}] = lwt_mvar.create_empty()",
    "mutex_create": "mutexes[{0}] = lwt_mutex.create()",
    "condition_create": "conditions[{0}] = lwt_condition.create()",
    "switch_create": "switches[{0}] = lwt_switch.create()",
    "pool_create": "pools[{0}] = new_pool({1})",
    "pool_create_plain": "pools[{0}] = lwt_pool.create({1}, create)",
    "mvar_put": "keep({0}, lwt_mvar.put(mvars[{1}], {2}))",
    "mvar_take": "keep({0}, lwt_mvar.take(mvars[{1}]))",
    "mvar_take_available": "took(lwt_mvar.take_available(mvars[{0}]))",
    "mvar_is_empty": 'ask("is_empty", lwt_mvar.is_empty(mvars[{0}]))',
    "mutex_lock": "keep({0}, lwt_mutex.lock(mutexes[{1}]))",
    "mutex_unlock": "lwt_mutex.unlock(mutexes[{0}])",
    "mutex_is_locked": 'ask("is_locked", lwt_mutex.is_locked(mutexes[{0}]))',
    "mutex_is_empty": 'ask("is_empty", lwt_mutex.is_empty(mutexes[{0}]))',
    "mutex_with_lock": "keep({0}, lwt_mutex.with_lock(mutexes[{1}], {f}))",
    "condition_wait": "keep({0}, lwt_condition.wait(conditions[{1}]{mutex}))",
    "condition_signal": "lwt_condition.signal(conditions[{0}], {1})",
    "condition_broadcast": "lwt_condition.broadcast(conditions[{0}], {1})",
    "condition_broadcast_exn": "lwt_condition.broadcast_exn(conditions[{0}], E({1}))",
    "switch_is_on": 'ask("is_on", lwt_switch.is_on(switches[{0}]))',
    "switch_turn_off": "keep({0}, lwt_switch.turn_off(switches[{1}]))",
    "switch_check": "lwt_switch.check(switch({0}))",
    "switch_add_hook": "lwt_switch.add_hook(switch({0}), {f})",
    "switch_add_hook_or_exec": "keep({0}, lwt_switch.add_hook_or_exec(switch({1}), {f}))",
    "switch_with_switch": "keep({0}, lwt_switch.with_switch("
    "lambda switch: set_switch({1}, switch) or {f}()))",
    "pool_use": "keep({0}, lwt_pool.use(pools[{1}], lambda member: print('use', member) or {f}()))",
    "pool_clear": "keep({0}, lwt_pool.clear(pools[{1}]))",
    "pool_wait_queue_length": 'print(lwt_pool.wait_queue_length(pools[{0}]), "waiting")',
    "next_create": "creates.append({f})",
    "next_validate": "validates.append({f})",
    "next_check": "checks.append({f})",
    "next_dispose": "disposes.append({f})",
}

TOLD: Final = ("mvars", "mutexes", "switches", "pools")


def as_ocaml(program: Program) -> str:
    body = ocaml_steps(map(_ocaml, program))
    told = "; ".join(f"told_{name} ()" for name in TOLD if _uses(name, body))
    return ocaml_program(OCAML_PREAMBLE.replace("{told}", f"[{told}]"), body)


def as_python(program: Program) -> str:
    body = python_steps(map(_python, program))
    told = ", ".join(f"told_{name}()" for name in TOLD if _uses(name, body))
    return python_program(PYTHON_PREAMBLE.replace("{told}", f"[{told}]"), body)


def _uses(structures: str, body: str) -> bool:
    """Tell whether a text uses mailboxes, say."""
    return structures in body or (structures == "switches" and "switch" in body)


# OCaml


def _ocaml(form: Form) -> str:
    name, *arguments = form
    last = arguments[-1]
    mutex = "" if last == 2 else f"~mutex:mutexes.({last}) "
    f = _ocaml_function(last) if isinstance(last, tuple) else ""
    return OCAML[name].format(*arguments, f=f, mutex=mutex)


def _ocaml_function(form: Form) -> str:
    _, number, *statements, end = form
    ends = {
        "return": "Lwt.return {0}",
        "raise": "raise (E {0})",
        "rejected": "Lwt.fail (E {0})",
        "wait": "pending {0} (Lwt.wait ())",
        "task": "pending {0} (Lwt.task ())",
        "argument": "Lwt.return 0",
    }
    steps = [f"call {number}", *map(_ocaml, statements), ends[end[0]].format(*end[1:])]
    return ocaml_function("()", steps)


# Python


def _python(form: Form) -> Python:
    name, *arguments = form
    last = arguments[-1]
    mutex = "" if last == 2 else f", mutex=mutexes[{last}]"
    if not isinstance(last, tuple):
        return [], PYTHON[name].format(*arguments, mutex=mutex)
    f = f"function_{last[1]}"
    return _python_function(f, last), PYTHON[name].format(*arguments, f=f)


def _python_function(name: str, form: Form) -> list[str]:
    _, number, *statements, end = form
    ends = {
        "return": "return lwt.return_({0})",
        "raise": "raise E({0})",
        "rejected": "return lwt.fail(E({0}))",
        "wait": "return pending({0}, lwt.wait())",
        "task": "return pending({0}, lwt.task())",
        "argument": "return lwt.return_(0)",
    }
    steps: list[Python] = [([], f"call({number})"), *map(_python, statements)]
    return python_function(name, "", steps, ends[end[0]].format(*end[1:]))
