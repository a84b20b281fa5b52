"""Models of other people's queues, to compare with."""
