"""Renders the prompts: manifest → speech → telephone WAV. Nothing here is needed to run or test the server.

Begin with `render`. The voices live in a Python environment of their own (`environment`); two scripts run inside it:
`speaker` speaks and `listener` listens. Speech is trimmed and levelled here (`mastering`), and only stale prompts are
rendered again.
"""
