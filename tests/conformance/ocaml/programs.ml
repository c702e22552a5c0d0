(* What all interpreters share: reading programs, writing traces, and the loop between.

   A program is a line of forms: words, numbers, and rows of forms in parentheses.
   Its trace is a line, too: the events, with tabs between them. After each line the
   output is flushed, so that whoever sends programs can wait for their traces. *)

type form = Word of string | Number of int | Row of form list

let parse text =
  let length = String.length text in
  let position = ref 0 in
  let is_delimiter c = c = '(' || c = ')' || c = ' ' in
  let rec forms found =
    if !position >= length then List.rev found
    else
      match text.[!position] with
      | ' ' -> incr position; forms found
      | ')' -> incr position; List.rev found
      | '(' ->
        incr position;
        let row = forms [] in
        forms (Row row :: found)
      | _ ->
        let start = !position in
        while !position < length && not (is_delimiter text.[!position]) do incr position done;
        let token = String.sub text start (!position - start) in
        let form =
          match int_of_string_opt token with Some n -> Number n | None -> Word token in
        forms (form :: found)
  in
  forms []

(* The trace of the program that is running. *)
let trace = Buffer.create 65536

let add_line text =
  if Buffer.length trace > 0 then Buffer.add_char trace '\t';
  Buffer.add_string trace text

(* Storage: two keys, under which programs keep numbers. *)
let keys : int Lwt.key array = Array.init 2 (fun _ -> Lwt.new_key ())

let stored () =
  let show key = match Lwt.get key with None -> "-" | Some value -> string_of_int value in
  String.concat " " (Array.to_list (Array.map show keys))

(* A line that ends with what is stored, if anything is. *)
let add_event event =
  add_line event;
  if Array.exists (fun key -> Lwt.get key <> None) keys then
    Buffer.add_string trace (" @ " ^ stored ())

(* Raised when a program is not written as its language wants. *)
exception Malformed of string

(* Statements that are executed while something is stored, or nothing. *)
let under_storage execute = function
  | Row (Word "with_value" :: Number k :: Number v :: block) ->
    Lwt.with_value keys.(k) (Some v) (fun () -> List.iter execute block)
  | Row (Word "without_value" :: Number k :: block) ->
    Lwt.with_value keys.(k) None (fun () -> List.iter execute block)
  | _ -> raise (Malformed "storage")

(* How much of the processor's time a program may take, in seconds. The signal ends the process. *)
let limit seconds =
  ignore (Unix.setitimer Unix.ITIMER_PROF { it_value = seconds; it_interval = 0. })

(* Read programs to the end of the input; [run] runs one and adds its events. The argument of the
   command is the limit for each. *)
let serve run =
  let seconds = float_of_string Sys.argv.(1) in
  try
    while true do
      let line = input_line stdin in
      Buffer.clear trace;
      limit seconds;
      run (parse line);
      limit 0.;
      print_string (Buffer.contents trace);
      print_char '\n';
      flush stdout
    done
  with End_of_file -> ()
