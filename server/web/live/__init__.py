"""What a page sees of the hotline while it changes: rows by key, told as server-sent events.

For engineers of routes and pages; `docs/live.md` is the contract. Begin with `rows` and `events` (the shapes), then
`board` (which rows there are), `audiences` (who sees which) and `streams` (how they are told).
"""
