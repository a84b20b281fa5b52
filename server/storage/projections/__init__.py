"""From log entries to rows: one table of rules for each part of the records. Begin with `rules` and `calls`."""
