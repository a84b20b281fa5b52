"""Days in virtual time on the server's own floor, for planners: other rules, other staffing, other products' queues.

Begin with `scenario` (what a day is like), `engine` (how it is played) and `runs` (many days, compared).
"""
