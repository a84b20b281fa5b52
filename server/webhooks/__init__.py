"""Webhooks: events of the log are sent to other systems, signed as Standard Webhooks has it. Begin with `delivery`."""
