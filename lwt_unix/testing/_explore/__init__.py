"""All schedules of a program, and the states that they come to.

`explore` is the search. A state is a digest (`states`) of what is written (`writer`) of all objects: how those of a
type are written is in `contents`, what of the library's own is written otherwise in `views`, and what counts
as code, which does not change, in `known`.
"""
