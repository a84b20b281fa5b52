"""The caller's side: the flow, the queue, the conversation, callers who leave. Begin with `session`."""
