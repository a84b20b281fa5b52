"""Calls on Asterisk: the parties of a call by folder, and the protocols that they are reached by.

`caller`, `agent` and `callback` each serve one party. They stand on `channels` and `recording`, and those on `agi` (one
session a channel), `ami` (events and actions) and `asterisk` (its configuration). Begin with `caller.session`.
"""
