"""Executables that Asterisk starts by itself when no server answers."""
