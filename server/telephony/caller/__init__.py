"""The caller's side: the flow, the queue, the conversation, callers who hang up early. Begin with `session`."""
