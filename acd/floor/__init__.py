"""Decides which agent takes which call: events and `now` go in, commands come out.

`engine.Floor` is what the server and the simulation use. Begin there, then read `state` (what the floor knows and the
moves that change it) and `routing` (which call goes to which agent). The handlers say what each event does,
`escalation` what time does to a waiting call.
"""
