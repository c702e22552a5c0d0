(* Programs over Lwt_retry.

   The language is described in languages/lwt_retry/programs.py; run.py beside it runs the same
   programs on our library, and the two are written alike.

   Lwt_retry is a library of its own, which may not be installed. So what it does is told here once more, over the real
   promises and streams. Time is a number that goes on where a program says so. *)

open Programs
open Printf
module Lwt_stream = New_lwt_stream (* with lines of 6.1: see known_differences.py *)

(* 1 Time *)

module Lwt_unix = struct
  let now = ref 0.
  let sleepers : (float * unit Lwt.u) list ref = ref [] (* the earliest first *)

  let sleep seconds =
    let promise, resolver = Lwt.task () in
    let time = !now +. seconds in
    let earlier, later = List.partition (fun (other, _) -> other <= time) !sleepers in
    sleepers := earlier @ (time, resolver) :: later;
    Lwt.on_cancel promise (fun () ->
      sleepers := List.filter (fun (_, other) -> other != resolver) !sleepers);
    promise

  let advance seconds =
    now := !now +. seconds;
    let due, rest = List.partition (fun (time, _) -> time <= !now) !sleepers in
    sleepers := rest;
    List.iter (fun (_, resolver) -> Lwt.wakeup resolver ()) due
end

(* 2 Retries *)

module Retry = struct
  let default_sleep_duration n = float_of_int n *. 2. *. (2. ** float_of_int n)

  let on_error f =
    let number = ref 0 and is_over = ref false in
    let told = function
      | Ok value -> is_over := true; Some (Ok value)
      | Error (`Retry reason) -> Some (Error (`Retry reason, !number))
      | Error (`Fatal reason) -> is_over := true; Some (Error (`Fatal reason, !number)) in
    Lwt_stream.from (fun () ->
      incr number;
      if !is_over then Lwt.return_none else Lwt.map told (f ()))

  let with_sleep ?(duration = default_sleep_duration) attempts =
    Lwt_stream.map_s (function
      | Ok value -> Lwt.return (Ok value)
      | Error (_, number) as attempt ->
        Lwt.bind (Lwt_unix.sleep (duration number)) (fun () -> Lwt.return attempt)) attempts

  let n_times n attempts =
    if n < 0 then invalid_arg "Lwt_retry.n_times: n must be non-negative";
    Lwt.map
      (fun tried ->
        match List.rev tried with
        | [] -> failwith "Lwt_retry.n_times: impossible"
        | last :: _ -> last)
      (Lwt_stream.nget (n + 1) attempts)

  let opaque out _ = Format.pp_print_string out "<opaque>"

  let pp_error ?(retry = opaque) ?(fatal = opaque) out = function
    | `Retry reason -> Format.fprintf out "`Retry %a" retry reason
    | `Fatal reason -> Format.fprintf out "`Fatal %a" fatal reason

  let equal_error ~retry ~fatal one other =
    match one, other with
    | `Retry a, `Retry b -> retry a b
    | `Fatal a, `Fatal b -> fatal a b
    | `Retry _, `Fatal _ | `Fatal _, `Retry _ -> false
end

(* 3 Programs *)

exception E of int

let show_exception = function
  | E code -> sprintf "E%d" code
  | Lwt.Canceled -> "Canceled"
  | Failure text -> text
  | Invalid_argument text -> text
  | exn -> Printexc.to_string exn

let show_error = function
  | `Retry reason -> sprintf "retry %d" reason
  | `Fatal reason -> sprintf "fatal %d" reason

let show = function
  | Ok value -> sprintf "ok %d" value
  | Error (error, number) -> sprintf "%s in attempt %d" (show_error error) number

let show_option = function None -> "the end" | Some attempt -> show attempt
let show_list attempts = String.concat ", " (List.map show attempts)

let error_of = function
  | Row [Word "retry"; Number reason] -> `Retry reason
  | Row [Word "fatal"; Number reason] -> `Fatal reason
  | _ -> raise (Malformed "error")

let result_of = function
  | Row [Word "ok"; Number value] -> Ok value
  | form -> Error (error_of form)

let seconds hundredths = float_of_int hundredths /. 100.

let run_program program =
  Lwt_unix.now := 0.;
  Lwt_unix.sleepers := [];
  let streams = Array.make 2 (Lwt_stream.of_list []) in
  let promises : unit Lwt.t option array = Array.make 4 None in
  let resolvers = Array.make 2 None in
  let watch p show promise =
    promises.(p) <- Some (Lwt.bind promise (fun _ -> Lwt.return_unit));
    Lwt.on_any promise
      (fun value -> add_event (sprintf "%d is %s" p (show value)))
      (fun exn -> add_event (sprintf "%d fails with %s" p (show_exception exn))) in
  let rec function_of results =
    let rest = ref results in
    fun () ->
      add_event "called";
      match !rest with
      | [] -> Lwt.return (Error (`Retry 9))
      | form :: others ->
        rest := others;
        match form with
        | Row [Word "raise"; Number code] -> raise (E code)
        | Row [Word "rejected"; Number code] -> Lwt.fail (E code)
        | Row [Word "wait"; Number w] ->
          let promise, resolver = Lwt.task () in
          resolvers.(w) <- Some resolver;
          promise
        | form -> Lwt.return (result_of form) in
  let execute = function
    | Row (Word "on_error" :: Number s :: results) ->
      streams.(s) <- Retry.on_error (function_of results)
    | Row [Word "with_sleep"; Number s] -> streams.(s) <- Retry.with_sleep streams.(s)
    | Row [Word "with_sleep_by"; Number s; Number factor] ->
      let duration number =
        add_event (sprintf "duration %d" number);
        if factor = 3 then raise (E 3) else seconds (factor * number) in
      streams.(s) <- Retry.with_sleep ~duration streams.(s)
    | Row [Word "n_times"; Number p; Number n; Number s] ->
      watch p show (Retry.n_times (n - 1) streams.(s))
    | Row [Word "get"; Number p; Number s] -> watch p show_option (Lwt_stream.get streams.(s))
    | Row [Word "nget"; Number p; Number n; Number s] ->
      watch p show_list (Lwt_stream.nget n streams.(s))
    | Row [Word "answer"; Number w; form] ->
      let resolver = resolvers.(w) in
      resolvers.(w) <- None;
      (match resolver, form with
       | None, _ -> ()
       | Some resolver, Row [Word "rejected"; Number code] -> Lwt.wakeup_exn resolver (E code)
       | Some resolver, form -> Lwt.wakeup resolver (result_of form))
    | Row [Word "cancel"; Number p] ->
      (match promises.(p) with None -> () | Some promise -> Lwt.cancel promise)
    | Row [Word "advance"; Number hundredths] -> Lwt_unix.advance (seconds hundredths)
    | Row [Word "default_sleep_duration"; Number n] ->
      add_event (sprintf "%.6g seconds" (Retry.default_sleep_duration (n - 40)))
    | Row [Word "equal_error"; one; other] ->
      let retry a b = a = b and fatal a b = a mod 2 = b mod 2 in
      add_event (string_of_bool (Retry.equal_error ~retry ~fatal (error_of one) (error_of other)))
    | Row [Word "pp_error"; Number which; form] ->
      let printed name out reason = Format.fprintf out "%s %d" name reason in
      let retry = if which land 1 = 1 then Some (printed "again") else None in
      let fatal = if which land 2 = 2 then Some (printed "never") else None in
      add_event (Format.asprintf "%a" (Retry.pp_error ?retry ?fatal) (error_of form))
    | Row (Word name :: _) -> raise (Malformed name)
    | _ -> raise (Malformed "statement") in
  List.iter (fun statement ->
    try execute statement with
    | Malformed _ as exn -> raise exn
    | exn -> add_event ("raises " ^ show_exception exn)) program;
  Lwt_unix.advance 1e9

let () = serve run_program
