"""Who waits for whom, since where, as a graph in text and in DOT.

In reading order: `graph`, what is told; `heap`, all objects there are; `places`, where bodies stand and what they know
by which name; `things`, order and numbers; `survey`, which looks at all that waits; `holders`, who has what;
`drawing`, text and DOT; `waiting`, what users call.
"""
