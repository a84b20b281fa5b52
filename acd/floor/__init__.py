"""Who takes which call: events and `now` go in, commands come out. Begin with `engine`, then `state` and `routing`."""
