"""Every act that a principal can ask for, for HTTP, the command line and the phone; a module for each resource.

Begin with `principal`, `permissions` (one table: role and act) and `groups` (all acts of a server), then any group.
`errors` are the refusals, `audit` the entries that privileged acts leave.
"""
