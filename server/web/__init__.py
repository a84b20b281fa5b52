"""HTTP, for pages and programs: the API, and the limits on clients before it.

Begin with `api.application`. On its way a request meets `connections` (limits), `gate` (token, size, time) and
`authentication` (the principal); `problems` answers every refusal.
"""
