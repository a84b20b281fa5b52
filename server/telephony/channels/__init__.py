"""Channels, for every party of a call: their owners, how they are dialled, what AMI says. Begin with `legs`."""
