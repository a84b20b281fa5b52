"""What the caller hears next. Flows are data; a session turns each input into verbs; nothing here does I/O."""
