"""Days that did not happen: the very same floor in virtual time, and others' rules beside it."""
