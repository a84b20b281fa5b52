"""Who takes which call. Plain Python: events and `now` go in, commands as data come out; nothing here does I/O."""
