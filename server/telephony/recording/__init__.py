"""Recordings: the two sides of a conversation become one stereo file, measured and stored. Begin with `joiner`."""
