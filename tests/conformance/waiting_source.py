"""Programs of `waiting_programs.py` as source text, in OCaml and in Python.

The text names the same slots as the program; what the trace tells is printed.
"""

from __future__ import annotations

from tests.conformance.forms import Form, Program

OCAML_START = """\
exception E of int
let show = Printexc.to_string
let p : int Lwt.t option array = Array.make 8 None
let u : int Lwt.u option array = Array.make 3 None
let row () : (unit -> int Lwt.t) Queue.t = Queue.create ()
let creates = row () and validates = row () and checks = row () and disposes = row ()
let next row = match Queue.take_opt row with None -> Lwt.return 0 | Some f -> f ()
let mvars = Array.init 2 (fun _ : int Lwt_mvar.t -> Lwt_mvar.create_empty ())
let mutexes = Array.init 2 (fun _ -> Lwt_mutex.create ())
let conditions = Array.init 2 (fun _ : int Lwt_condition.t -> Lwt_condition.create ())
let switches = Array.init 2 (fun _ -> Lwt_switch.create ())
let switch n = if n = 2 then None else Some switches.(n)
let pool n = Lwt_pool.create n (fun () -> print_endline "create"; next creates)
    ~validate:(fun m -> Printf.printf "validate %d\\n" m;
                Lwt.map (fun v -> v mod 2 = 0) (next validates))
    ~check:(fun m tell -> Printf.printf "check %d\\n" m;
             match Lwt.state (next checks) with Return v -> tell (v mod 2 = 0) | _ -> ())
    ~dispose:(fun m -> Printf.printf "dispose %d\\n" m; Obj.magic (next disposes))
let pools = Array.init 2 (fun _ -> pool 1)
let keep slot q = let q : int Lwt.t = Obj.magic q in p.(slot) <- Some q;
  Lwt.on_any q (Printf.printf "p %d is %d\\n" slot)
    (fun e -> Printf.printf "p %d fails with %s\\n" slot (show e))
let wake w f = match u.(w) with None -> () | Some r -> u.(w) <- None; f r
let on slots f = let found = List.filter_map (fun s -> p.(s)) slots in
  if List.length found = List.length slots then f found
let pending (q, r) w = u.(w) <- Some r; q
let () = Lwt.async_exception_hook := fun e -> print_endline ("hook " ^ show e)
let step f = try f () with e -> print_endline ("raises " ^ show e)"""

PYTHON_START = """\
import lwt
from collections import deque
from lwt import lwt_condition, lwt_mutex, lwt_mvar, lwt_pool, lwt_switch
class E(Exception): pass
p, u = [None] * 8, [None] * 3
creates, validates, checks, disposes = deque(), deque(), deque(), deque()
def next_(row): return row.popleft()() if row else lwt.return_(0)
mvars = [lwt_mvar.create_empty() for _ in range(2)]
mutexes = [lwt_mutex.create() for _ in range(2)]
conditions = [lwt_condition.create() for _ in range(2)]
switches = [lwt_switch.create() for _ in range(2)]
def switch(n): return None if n == 2 else lwt.Some(switches[n])
def pool(n):
    def check(m, tell):
        print("check", m)
        answer = lwt.state(next_(checks))
        if isinstance(answer, lwt.Return): tell(answer.value % 2 == 0)
    return lwt_pool.create(n, lambda: print("create") or next_(creates), check=check,
        validate=lambda m: print("validate", m) or lwt.map(lambda v: v % 2 == 0, next_(validates)),
        dispose=lambda m: print("dispose", m) or next_(disposes))
pools = [pool(1) for _ in range(2)]
def keep(slot, q):
    p[slot] = q
    lwt.on_any(q, lambda v: print("p", slot, "is", v), lambda e: print("p", slot, "fails", repr(e)))
def wake(w, f):
    r, u[w] = u[w], None
    if r is not None: f(r)
def on(slots, f):
    found = [p[s] for s in slots if p[s] is not None]
    if len(found) == len(slots): f(found)
def pending(made, w):
    u[w] = made[1]
    return made[0]
def throw(e): raise e
lwt.async_exception_hook.contents = lambda e: print("hook", repr(e))
def step(f):
    try: f()
    except Exception as e: print("raises", repr(e))"""

# What a statement is in each; `{f}` stands for the function that it ends with.
OCAML = {
    "cancel": "on [{0}] (fun q -> Lwt.cancel (List.hd q))",
    "cancel_both": "on [{0}; {1}] (fun q -> Lwt.cancel (Lwt.join (Obj.magic q)))",
    "when": "on [{0}] (fun q -> let act _ = Lwt.ignore_result ({f} ()) in "
    "Lwt.on_any (List.hd q) act act)",
    "wakeup": "wake {0} (fun r -> Lwt.wakeup r {1})",
    "wakeup_later": "wake {0} (fun r -> Lwt.wakeup_later r {1})",
    "wakeup_later_exn": "wake {0} (fun r -> Lwt.wakeup_later_exn r (E {1}))",
    "mvar_create": "mvars.({0}) <- Lwt_mvar.create {1}",
    "mvar_create_empty": "mvars.({0}) <- Lwt_mvar.create_empty ()",
    "mvar_put": "keep {0} (Lwt_mvar.put mvars.({1}) {2})",
    "mvar_take": "keep {0} (Lwt_mvar.take mvars.({1}))",
    "mvar_take_available": "ignore (Lwt_mvar.take_available mvars.({0}))",
    "mvar_is_empty": "ignore (Lwt_mvar.is_empty mvars.({0}))",
    "mutex_create": "mutexes.({0}) <- Lwt_mutex.create ()",
    "mutex_lock": "keep {0} (Lwt_mutex.lock mutexes.({1}))",
    "mutex_unlock": "Lwt_mutex.unlock mutexes.({0})",
    "mutex_is_locked": "ignore (Lwt_mutex.is_locked mutexes.({0}))",
    "mutex_is_empty": "ignore (Lwt_mutex.is_empty mutexes.({0}))",
    "mutex_with_lock": "keep {0} (Lwt_mutex.with_lock mutexes.({1}) {f})",
    "condition_create": "conditions.({0}) <- Lwt_condition.create ()",
    "condition_wait": "keep {0} (Lwt_condition.wait {mutex}conditions.({1}))",
    "condition_signal": "Lwt_condition.signal conditions.({0}) {1}",
    "condition_broadcast": "Lwt_condition.broadcast conditions.({0}) {1}",
    "condition_broadcast_exn": "Lwt_condition.broadcast_exn conditions.({0}) (E {1})",
    "switch_create": "switches.({0}) <- Lwt_switch.create ()",
    "switch_is_on": "ignore (Lwt_switch.is_on switches.({0}))",
    "switch_turn_off": "keep {0} (Lwt_switch.turn_off switches.({1}))",
    "switch_check": "Lwt_switch.check (switch {0})",
    "switch_add_hook": "Lwt_switch.add_hook (switch {0}) (Obj.magic {f})",
    "switch_add_hook_or_exec": "keep {0} (Lwt_switch.add_hook_or_exec (switch {1}) (Obj.magic {f}))",
    "switch_with_switch": "keep {0} (Lwt_switch.with_switch (fun s -> switches.({1}) <- s; {f} ()))",
    "pool_create": "pools.({0}) <- pool {1}",
    "pool_use": 'keep {0} (Lwt_pool.use pools.({1}) (fun m -> Printf.printf "use %d\\n" m; {f} ()))',
    "pool_clear": "keep {0} (Lwt_pool.clear pools.({1}))",
    "pool_wait_queue_length": "ignore (Lwt_pool.wait_queue_length pools.({0}))",
    "next_create": "Queue.push {f} creates",
    "next_validate": "Queue.push {f} validates",
    "next_check": "Queue.push {f} checks",
    "next_dispose": "Queue.push {f} disposes",
}
PYTHON = {
    "cancel": "on([{0}], lambda q: lwt.cancel(q[0]))",
    "cancel_both": "on([{0}, {1}], lambda q: lwt.cancel(lwt.join(q)))",
    "when": "on([{0}], lambda q: lwt.on_any(q[0], *[lambda _: lwt.ignore_result({f}())] * 2))",
    "wakeup": "wake({0}, lambda r: lwt.wakeup(r, {1}))",
    "wakeup_later": "wake({0}, lambda r: lwt.wakeup_later(r, {1}))",
    "wakeup_later_exn": "wake({0}, lambda r: lwt.wakeup_later_exn(r, E({1})))",
    "mvar_create": "mvars.__setitem__({0}, lwt_mvar.create({1}))",
    "mvar_create_empty": "mvars.__setitem__({0}, lwt_mvar.create_empty())",
    "mutex_create": "mutexes.__setitem__({0}, lwt_mutex.create())",
    "condition_create": "conditions.__setitem__({0}, lwt_condition.create())",
    "switch_create": "switches.__setitem__({0}, lwt_switch.create())",
    "pool_create": "pools.__setitem__({0}, pool({1}))",
    "mvar_put": "keep({0}, lwt_mvar.put(mvars[{1}], {2}))",
    "mvar_take": "keep({0}, lwt_mvar.take(mvars[{1}]))",
    "mvar_take_available": "lwt_mvar.take_available(mvars[{0}])",
    "mvar_is_empty": "lwt_mvar.is_empty(mvars[{0}])",
    "mutex_lock": "keep({0}, lwt_mutex.lock(mutexes[{1}]))",
    "mutex_unlock": "lwt_mutex.unlock(mutexes[{0}])",
    "mutex_is_locked": "lwt_mutex.is_locked(mutexes[{0}])",
    "mutex_is_empty": "lwt_mutex.is_empty(mutexes[{0}])",
    "mutex_with_lock": "keep({0}, lwt_mutex.with_lock(mutexes[{1}], {f}))",
    "condition_wait": "keep({0}, lwt_condition.wait(conditions[{1}]{mutex}))",
    "condition_signal": "lwt_condition.signal(conditions[{0}], {1})",
    "condition_broadcast": "lwt_condition.broadcast(conditions[{0}], {1})",
    "condition_broadcast_exn": "lwt_condition.broadcast_exn(conditions[{0}], E({1}))",
    "switch_is_on": "lwt_switch.is_on(switches[{0}])",
    "switch_turn_off": "keep({0}, lwt_switch.turn_off(switches[{1}]))",
    "switch_check": "lwt_switch.check(switch({0}))",
    "switch_add_hook": "lwt_switch.add_hook(switch({0}), {f})",
    "switch_add_hook_or_exec": "keep({0}, lwt_switch.add_hook_or_exec(switch({1}), {f}))",
    "switch_with_switch": "keep({0}, lwt_switch.with_switch("
    "lambda s: switches.__setitem__({1}, s) or {f}()))",
    "pool_use": "keep({0}, lwt_pool.use(pools[{1}], lambda m: print('use', m) or {f}()))",
    "pool_clear": "keep({0}, lwt_pool.clear(pools[{1}]))",
    "pool_wait_queue_length": "lwt_pool.wait_queue_length(pools[{0}])",
    "next_create": "creates.append({f})",
    "next_validate": "validates.append({f})",
    "next_check": "checks.append({f})",
    "next_dispose": "disposes.append({f})",
}


def as_ocaml(program: Program) -> str:
    steps = [f"let () = step (fun () -> {_ocaml(form)})" for form in program]
    return "\n".join([OCAML_START, *steps])


def as_python(program: Program) -> str:
    steps = [f"step(lambda: {_python(form)})" for form in program]
    return "\n".join([PYTHON_START, *steps])


def _ocaml(form: Form) -> str:
    name, *arguments = form
    function = arguments[-1]
    mutex = "" if arguments[-1] == 2 else f"~mutex:mutexes.({arguments[-1]}) "
    f = _ocaml_function(function) if isinstance(function, tuple) else ""
    return OCAML[name].format(*arguments, f=f, mutex=mutex)


def _ocaml_function(form: Form) -> str:
    _, number, *statements, end = form
    ends = {
        "return": "Lwt.return {0}",
        "raise": "raise (E {0})",
        "rejected": "Lwt.fail (E {0})",
        "wait": "pending (Lwt.wait ()) {0}",
        "task": "pending (Lwt.task ()) {0}",
        "argument": "Lwt.return 0",
    }
    steps = [f'print_endline "call {number}"', *map(_ocaml, statements)]
    return f"(fun () -> {'; '.join([*steps, ends[end[0]].format(*end[1:])])})"


def _python(form: Form) -> str:
    name, *arguments = form
    function = arguments[-1]
    mutex = "" if arguments[-1] == 2 else f", mutex=mutexes[{arguments[-1]}]"
    f = _python_function(function) if isinstance(function, tuple) else ""
    return PYTHON[name].format(*arguments, f=f, mutex=mutex)


def _python_function(form: Form) -> str:
    _, number, *statements, end = form
    ends = {
        "return": "lwt.return_({0})",
        "raise": "throw(E({0}))",
        "rejected": "lwt.fail(E({0}))",
        "wait": "pending(lwt.wait(), {0})",
        "task": "pending(lwt.task(), {0})",
        "argument": "lwt.return_(0)",
    }
    steps = [f"print('call', {number})", *map(_python, statements)]
    return f"(lambda: [{', '.join([*steps, ends[end[0]].format(*end[1:])])}][-1])"
