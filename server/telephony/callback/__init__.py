"""Calls that the hotline makes: a promise that is due becomes a line, an agent and a customer. Begin with `dialler`."""
