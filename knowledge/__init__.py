"""What people should know: bulletins for agents, notices for callers, and the knowledge that agents look up.

For readers of the floor's news and of the knowledge base. Begin with `board`, which knows all bulletins, notices and
the heads of articles; `grams` is how Chinese texts are cut so that they are found.
"""
