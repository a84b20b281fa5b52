"""The records, for people and reports: SQL and recording files. They follow from the log and decide nothing.

Begin with `projector` (from the log to rows) and `reader` (what routes and commands read).
"""
