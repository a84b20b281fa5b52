"""Decides what a caller hears next, for the server that holds the call. Nothing here does I/O.

Flows are data (`flow`, `nodes`, `reading`); a session turns each input into verbs. Begin with `session`, `inputs` and
`verbs`, then `kinds` (what each kind of node does). `check` finds what is wrong with flows that are used together.
`prompts/` and `music/` are the sounds, `flows/` the flows that come with the product.
"""
