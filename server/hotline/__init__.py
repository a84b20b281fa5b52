"""What the log says now, who plays it, and what the operator defined. Begin with `state` and `dispatcher`."""
