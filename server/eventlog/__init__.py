"""The ordered log on Redis: written by the leader alone, read by every server and by the records. Begin with `log`."""
