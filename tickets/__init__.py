"""Follows a complaint through the departments, for the server and its log. Nothing here does I/O.

Begin with `register`, which knows every open case and says which events to log. `states` has the steps of a ticket,
`severity` its grades and what raises them, `rules` what the operator decides, `events` what the log has.
"""
