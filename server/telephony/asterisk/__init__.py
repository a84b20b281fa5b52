"""Asterisk's configuration: written from the settings, reloaded, checked to be ready. Begin with `configure`."""
