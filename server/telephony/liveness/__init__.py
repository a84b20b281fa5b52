"""Whether the phones of conversations and of callers still live. Begin with `watch`; `signs` is pure."""
