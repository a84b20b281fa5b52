"""Models of other products' queues, to compare the floor with. Begin with `common`."""
