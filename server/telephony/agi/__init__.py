"""FastAGI: one connection a channel. Begin with `server` and `call`."""
