(* Programs over Lwt_list, Lwt_seq, Lwt_result and Lwt_pqueue, run by these modules themselves.

   The language is described in languages/collections/programs.py; run.py beside it runs the same
   programs on our library, and the two are written alike. *)

open Programs

exception E of int

(* Elements that compare equal can be told apart: the order looks at half of them. *)
module Queues = Lwt_pqueue.Make (struct
  type t = int
  let compare x y =
    add_event (Printf.sprintf "compare %d %d" x y);
    compare (x / 2) (y / 2)
end)

type run = {
  promises : string Lwt.t option array;
  resolvers : int Lwt.u option array;
  given : int Lwt.t array; (* the promises of those resolvers, also when they are resolved *)
  queues : Queues.t array;
}

let show_exn = function
  | E number -> "E" ^ string_of_int number
  | Not_found -> "Not_found"
  | Lwt.Canceled -> "Canceled"
  | Invalid_argument _ -> "Invalid_argument"
  | exn -> Printexc.to_string exn

let show_int = string_of_int
let show_bool b = if b then "True" else "False"
let show_unit () = "None"
let show_list values = "[" ^ String.concat " " (List.map show_int values) ^ "]"
let show_pair (a, b) = show_list a ^ show_list b
let show_option = function None -> "None" | Some v -> show_int v
let show_result = function Ok v -> "Ok " ^ show_int v | Error v -> "Error " ^ show_int v

let show_promise promise =
  match Lwt.state promise with
  | Lwt.Return text -> text
  | Lwt.Fail exn -> show_exn exn
  | Lwt.Sleep -> "pending"

let log run event =
  let promises =
    List.filter_map (Option.map show_promise) (Array.to_list run.promises) in
  add_event (String.concat " | " (event :: promises))

let keep run slot promise =
  run.promises.(slot) <- Some promise;
  Lwt.on_any promise
    (fun text -> log run (Printf.sprintf "slot %d gives %s" slot text))
    (fun exn -> log run (Printf.sprintf "slot %d fails %s" slot (show_exn exn)))

let resolve run slot how =
  match run.resolvers.(slot) with
  | None -> ()
  | Some resolver ->
    run.resolvers.(slot) <- None;
    (try how resolver with Invalid_argument _ -> log run "invalid")

let is_odd v = v land 1 = 1
let option v = if v mod 3 = 0 then None else Some v
let result v = if is_odd v then Ok v else Error v

let rec execute run = function
  | Row [Word "cancel"; Number p] -> Option.iter Lwt.cancel run.promises.(p)
  | Row [Word "wakeup"; Number w; Number v] ->
    resolve run w (fun resolver -> Lwt.wakeup resolver v)
  | Row [Word "wakeup_later"; Number w; Number v] ->
    resolve run w (fun resolver -> Lwt.wakeup_later resolver v)
  | Row [Word "wakeup_exn"; Number w; Number e] ->
    resolve run w (fun resolver -> Lwt.wakeup_exn resolver (E e))
  | Row (Word ("with_value" | "without_value") :: _) as form -> under_storage (execute run) form
  | Row [Word "ignore_result"; Number p] -> Option.iter Lwt.ignore_result run.promises.(p)
  | Row [Word "when"; Number p; body] ->
    (match run.promises.(p) with
     | None -> ()
     | Some promise ->
       Lwt.on_any promise (fun _ -> ignore (plain run body 0)) (fun _ -> ignore (plain run body 0)))
  | Row (Word "list" :: Word name :: Number p :: Number n :: bodies) ->
    keep run p (list run name (List.init n (fun i -> i + 1)) (calls run bodies))
  | Row [Word "seq"; Word name; Number p; Number n; source; Row bodies] ->
    keep run p (consume run name n (sequence run source) bodies)
  | Row [Word "result"; Word name; Number p; first; second] ->
    keep run p (on_result run name first second)
  | Row [Word "queue_add"; Number q; Number v] ->
    run.queues.(q) <- Queues.add v run.queues.(q);
    log_queue run q
  | Row [Word "queue_union"; Number q; Number r; Number s] ->
    run.queues.(q) <- Queues.union run.queues.(r) run.queues.(s);
    log_queue run q
  | Row [Word "queue_remove_min"; Number q; Number r] ->
    run.queues.(q) <- Queues.remove_min run.queues.(r);
    log_queue run q
  | Row [Word "queue_find_min"; Number q] ->
    log run ("find_min " ^ show_int (Queues.find_min run.queues.(q)))
  | Row [Word "queue_empty"; Number q] ->
    run.queues.(q) <- Queues.empty;
    log_queue run q
  | Row (Word name :: _) -> raise (Malformed name)
  | _ -> raise (Malformed "statement")

and log_queue run q =
  let queue = run.queues.(q) in
  log run
    (Printf.sprintf "queue %s %d %s" (show_bool (Queues.is_empty queue)) (Queues.size queue)
       (show_option (Queues.lookup_min queue)))

(* The function of a body; a plain one that should return a pending promise gives 0. *)
and plain run body argument =
  match body with
  | Row (Word "do" :: Number number :: statements) ->
    log run (Printf.sprintf "call %d on %d" number argument);
    let rec go = function
      | [Row [Word "return"; Number v]] -> v
      | [Row [Word "argument"]] -> argument
      | [Row [Word ("raise" | "rejected"); Number e]] -> raise (E e)
      | [_] -> 0
      | statement :: others -> execute run statement; go others
      | [] -> raise (Malformed "body") in
    go statements
  | _ -> raise (Malformed "do")

and promise run body argument =
  match body with
  | Row (Word "do" :: Number number :: statements) ->
    log run (Printf.sprintf "call %d on %d" number argument);
    let pending make slot =
      let promise, resolver = make () in
      run.resolvers.(slot) <- Some resolver;
      run.given.(slot) <- promise;
      promise in
    let rec go = function
      | [Row [Word "return"; Number v]] -> Lwt.return v
      | [Row [Word "argument"]] -> Lwt.return argument
      | [Row [Word "raise"; Number e]] -> raise (E e)
      | [Row [Word "rejected"; Number e]] -> Lwt.fail (E e)
      | [Row [Word "wait"; Number w]] -> pending Lwt.wait w
      | [Row [Word "task"; Number w]] -> pending Lwt.task w
      | [Row [Word "same"; Number w]] -> run.given.(w)
      | statement :: others -> execute run statement; go others
      | [] -> raise (Malformed "body") in
    go statements
  | _ -> raise (Malformed "do")

(* A function that does what one body after another says, then gives its argument. *)
and next_of : 'a. (form -> int -> 'a) -> (int -> 'a) -> form list -> int -> 'a =
  fun call otherwise bodies ->
  let rest = ref bodies in
  fun argument ->
    match !rest with
    | [] -> otherwise argument
    | body :: others -> rest := others; call body argument

and calls run bodies = next_of (promise run) Lwt.return bodies
and plain_calls run bodies = next_of (plain run) (fun v -> v) bodies

and list run name l f =
  let fi i x = f (10 * i + x) in
  let test x = Lwt.map is_odd (f x) in
  let choose x = Lwt.map option (f x) in
  let ignoring x = Lwt.map ignore (f x) in
  match name with
  | "iter_s" -> Lwt.map show_unit (Lwt_list.iter_s ignoring l)
  | "iter_p" -> Lwt.map show_unit (Lwt_list.iter_p ignoring l)
  | "iteri_s" -> Lwt.map show_unit (Lwt_list.iteri_s (fun i x -> Lwt.map ignore (fi i x)) l)
  | "iteri_p" -> Lwt.map show_unit (Lwt_list.iteri_p (fun i x -> Lwt.map ignore (fi i x)) l)
  | "map_s" -> Lwt.map show_list (Lwt_list.map_s f l)
  | "map_p" -> Lwt.map show_list (Lwt_list.map_p f l)
  | "mapi_s" -> Lwt.map show_list (Lwt_list.mapi_s fi l)
  | "mapi_p" -> Lwt.map show_list (Lwt_list.mapi_p fi l)
  | "rev_map_s" -> Lwt.map show_list (Lwt_list.rev_map_s f l)
  | "rev_map_p" -> Lwt.map show_list (Lwt_list.rev_map_p f l)
  | "fold_left_s" -> Lwt.map show_int (Lwt_list.fold_left_s (fun a x -> f (10 * a + x)) 0 l)
  | "fold_right_s" -> Lwt.map show_int (Lwt_list.fold_right_s (fun x a -> f (10 * a + x)) l 0)
  | "for_all_s" -> Lwt.map show_bool (Lwt_list.for_all_s test l)
  | "for_all_p" -> Lwt.map show_bool (Lwt_list.for_all_p test l)
  | "exists_s" -> Lwt.map show_bool (Lwt_list.exists_s test l)
  | "exists_p" -> Lwt.map show_bool (Lwt_list.exists_p test l)
  | "find_s" -> Lwt.map show_int (Lwt_list.find_s test l)
  | "filter_s" -> Lwt.map show_list (Lwt_list.filter_s test l)
  | "filter_p" -> Lwt.map show_list (Lwt_list.filter_p test l)
  | "filter_map_s" -> Lwt.map show_list (Lwt_list.filter_map_s choose l)
  | "filter_map_p" -> Lwt.map show_list (Lwt_list.filter_map_p choose l)
  | "partition_s" -> Lwt.map show_pair (Lwt_list.partition_s test l)
  | "partition_p" -> Lwt.map show_pair (Lwt_list.partition_p test l)
  | _ -> raise (Malformed name)

and sequence run = function
  | Row (Word "nodes" :: bodies) ->
    let rec nodes place bodies () =
      match bodies with
      | [] -> log run "end"; Lwt.return Lwt_seq.Nil
      | body :: others ->
        Lwt.map (fun v -> Lwt_seq.Cons (v, nodes (place + 1) others)) (promise run body place) in
    nodes 1 bodies
  | Row [Word "of_list"; Number n] -> Lwt_seq.of_list (List.init n (fun i -> i + 1))
  | Row [Word "of_seq"; Number n] -> Lwt_seq.of_seq (List.to_seq (List.init n (fun i -> i + 1)))
  | Row (Word "of_seq_lwt" :: bodies) ->
    let rec promises bodies () =
      match bodies with
      | [] -> Seq.Nil
      | body :: others ->
        let first = try promise run body 0 with E e -> Lwt.fail (E e) in
        Seq.Cons (first, promises others) in
    Lwt_seq.of_seq_lwt (promises bodies)
  | Row (Word "unfold" :: bodies) ->
    let step = function
      | [] -> None
      | body :: others -> (try Some (plain run body 0, others) with E _ -> None) in
    Lwt_seq.unfold step bodies
  | Row (Word "unfold_lwt" :: bodies) ->
    let step = function
      | [] -> Lwt.return None
      | body :: others -> Lwt.map (fun v -> Some (v, others)) (promise run body 0) in
    Lwt_seq.unfold_lwt step bodies
  | Row [Word "empty"] -> Lwt_seq.empty
  | Row [Word "return"; Number v] -> Lwt_seq.return v
  | Row [Word "return_lwt"; body] -> Lwt_seq.return_lwt (early run body)
  | Row [Word "cons"; Number v; source] -> Lwt_seq.cons v (sequence run source)
  | Row [Word "cons_lwt"; body; source] ->
    let source = sequence run source in
    Lwt_seq.cons_lwt (early run body) source
  | Row [Word "append"; first; second] ->
    let first = sequence run first in
    Lwt_seq.append first (sequence run second)
  | Row (Word "map" :: source :: bodies) ->
    Lwt_seq.map (plain_calls run bodies) (sequence run source)
  | Row (Word "map_s" :: source :: bodies) ->
    Lwt_seq.map_s (calls run bodies) (sequence run source)
  | Row (Word "filter" :: source :: bodies) ->
    let f = plain_calls run bodies in
    Lwt_seq.filter (fun x -> is_odd (f x)) (sequence run source)
  | Row (Word "filter_s" :: source :: bodies) ->
    let f = calls run bodies in
    Lwt_seq.filter_s (fun x -> Lwt.map is_odd (f x)) (sequence run source)
  | Row (Word "filter_map" :: source :: bodies) ->
    let f = plain_calls run bodies in
    Lwt_seq.filter_map (fun x -> option (f x)) (sequence run source)
  | Row (Word "filter_map_s" :: source :: bodies) ->
    let f = calls run bodies in
    Lwt_seq.filter_map_s (fun x -> Lwt.map option (f x)) (sequence run source)
  | Row (Word "flat_map" :: source :: inner) ->
    let rest = ref inner in
    let f x =
      log run ("flat " ^ show_int x);
      match !rest with
      | [] -> Lwt_seq.return x
      | first :: others -> rest := others; sequence run first in
    Lwt_seq.flat_map f (sequence run source)
  | _ -> raise (Malformed "sequence")

and early run body = try promise run body 0 with E e -> Lwt.fail (E e)

and consume run name n seq bodies =
  let f = calls run bodies in
  let ignoring x = Lwt.map ignore (f x) in
  match name with
  | "to_list" -> Lwt.map show_list (Lwt_seq.to_list seq)
  | "iter" ->
    let f = plain_calls run bodies in
    Lwt.map show_unit (Lwt_seq.iter (fun x -> ignore (f x)) seq)
  | "iter_s" -> Lwt.map show_unit (Lwt_seq.iter_s ignoring seq)
  | "iter_p" -> Lwt.map show_unit (Lwt_seq.iter_p ignoring seq)
  | "iter_n" -> Lwt.map show_unit (Lwt_seq.iter_n ~max_concurrency:n ignoring seq)
  | "fold_left" ->
    let f = plain_calls run bodies in
    Lwt.map show_int (Lwt_seq.fold_left (fun a x -> f (10 * a + x)) 0 seq)
  | "fold_left_s" -> Lwt.map show_int (Lwt_seq.fold_left_s (fun a x -> f (10 * a + x)) 0 seq)
  | "nodes" ->
    (* Up to n nodes, one after the other, each evaluated twice. *)
    let rec go n seq =
      if n = 0 then Lwt.return "more"
      else
        Lwt.bind (seq ()) (fun _ ->
          Lwt.bind (seq ()) (function
            | Lwt_seq.Nil -> Lwt.return "end"
            | Lwt_seq.Cons (x, next) -> log run ("node " ^ show_int x); go (n - 1) next)) in
    go n seq
  | _ -> raise (Malformed name)

and on_result run name first second =
  let r body () = Lwt.map result (promise run body 0) in
  let f = promise run second in
  match name with
  | "map" -> Lwt.map show_result (Lwt_result.map (plain run second) (r first ()))
  | "map_error" -> Lwt.map show_result (Lwt_result.map_error (plain run second) (r first ()))
  | "bind" ->
    Lwt.map show_result (Lwt_result.bind (r first ()) (fun x -> Lwt.map result (f x)))
  | "bind_error" ->
    Lwt.map show_result (Lwt_result.bind_error (r first ()) (fun x -> Lwt.map result (f x)))
  | "bind_lwt" -> Lwt.map show_result (Lwt_result.bind_lwt (r first ()) f)
  | "bind_lwt_error" -> Lwt.map show_result (Lwt_result.bind_lwt_error (r first ()) f)
  | "bind_result" ->
    Lwt.map show_result (Lwt_result.bind_result (r first ()) (fun x -> result (plain run second x)))
  | "both" ->
    let a = r first () in
    let b = r second () in
    Lwt.map
      (function Ok (x, y) -> show_list [x; y] | Error e -> "Error " ^ show_int e)
      (Lwt_result.both a b)
  | "iter" ->
    Lwt.map show_unit (Lwt_result.iter (fun x -> Lwt.map ignore (f x)) (r first ()))
  | "iter_error" ->
    Lwt.map show_unit (Lwt_result.iter_error (fun x -> Lwt.map ignore (f x)) (r first ()))
  | "ok" -> Lwt.map show_result (Lwt_result.ok (promise run first 0))
  | "error" -> Lwt.map show_result (Lwt_result.error (promise run first 0))
  | "catch" ->
    (* What 5.6.1 takes is the promise; 6.1 calls a function, which may raise. *)
    Lwt.map
      (function Ok v -> "Ok " ^ show_int v | Error exn -> "Error " ^ show_exn exn)
      (Lwt_result.catch (early run first))
  | "get_exn" ->
    let p = Lwt.map (fun v -> if is_odd v then Ok v else Error (E v)) (promise run first 0) in
    Lwt.map show_int (Lwt_result.get_exn p)
  | "return" -> Lwt.map show_result (Lwt_result.return 1)
  | "fail" -> Lwt.map show_result (Lwt_result.fail 1)
  | "lift" -> Lwt.map show_result (Lwt_result.lift (Ok 1))
  | _ -> raise (Malformed name)

let run_program program =
  let run = {
    promises = Array.make 6 None;
    resolvers = Array.make 6 None;
    given = Array.make 6 (Lwt.return 0);
    queues = Array.make 3 Queues.empty;
  } in
  Lwt.async_exception_hook := (fun exn -> log run ("hook " ^ show_exn exn));
  List.iteri (fun number statement ->
    let finished =
      match execute run statement with
      | () -> "ends"
      | exception (E _ | Not_found | Lwt.Canceled | Invalid_argument _ as exn) ->
        "raises " ^ show_exn exn in
    log run (Printf.sprintf "statement %d %s" number finished)) program

let () = serve run_program
