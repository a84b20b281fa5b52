"""Routes calls to agents and decides callbacks, for the server and the simulation. Nothing here does I/O.

Events and `now` go in, commands as data come out. Begin with `events` and `commands`, then `floor.engine` (which agent
takes which call) and `callbacks.engine` (who is called back, and when). `policy` has the operator's rules.
"""
