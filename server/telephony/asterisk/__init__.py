"""The private Asterisk: configured, started, watched."""
