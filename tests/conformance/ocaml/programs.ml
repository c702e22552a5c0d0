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

let add_event event =
  if Buffer.length trace > 0 then Buffer.add_char trace '\t';
  Buffer.add_string trace event

(* Raised when a program is not written as its language wants. *)
exception Malformed of string

(* Read programs to the end of the input; [run] runs one and adds its events. *)
let serve run =
  try
    while true do
      let line = input_line stdin in
      Buffer.clear trace;
      run (parse line);
      print_string (Buffer.contents trace);
      print_char '\n';
      flush stdout
    done
  with End_of_file -> ()
