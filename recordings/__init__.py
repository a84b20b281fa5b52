"""Keeps account of recordings, for the server that makes and stores them. Nothing here does I/O.

Begin with `catalogue` (recordings that are not finished, and what is suspicious about one) and `chain` (what shows that
a recording was removed, changed or added). `stereo` joins the two sides of a conversation; the log has `events`.
"""
