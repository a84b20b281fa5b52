"""Calls of the hotline's own: a promise becomes a line, an agent and a customer. Begin with `dialler`."""
