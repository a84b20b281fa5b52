"""The processes that the server starts and watches: Asterisk and Redis. Begin with `children`."""
