"""The trunks while they work: `health` (which are up), `routes` (which takes a call), `outgoing` (calls)."""
