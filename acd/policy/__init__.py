"""The operator's rules as frozen values, and their reader. Begin with `definitions`."""
