"""The ordered log that everything follows from: written once, read by all. Begin with `log`."""
