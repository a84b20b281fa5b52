"""Renders the prompts: manifest → speech → telephone WAV. Nothing here is needed to run or test the server.

The voices live in a Python environment of their own (`kit`); two scripts run inside it, one that speaks and one that
listens. What they say is trimmed and levelled here (`mastering`), and only what is stale is said again.
"""
