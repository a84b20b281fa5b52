"""Decides when callers are offered a callback, and when each promised callback is made.

It stands beside the floor, is played from the same log, and is used by the server and the simulation. Begin with
`engine.Callbacks`, then read `states` (the life of a promise), `lifecycle` (what each event does to it) and `modes`.
"""
