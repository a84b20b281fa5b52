"""From log entries to rows: what each event means for the records."""
