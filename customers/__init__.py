"""Customers: who they are, which of their wishes the hotline obeys, and whether a caller is who they say they are.

For readers of the IVR, of outgoing calls and of the file of customers. Begin with `register`: it answers every question
about a number. `files` is one customer's file, `marks` the state machine of a mark, `identity` the check of digits,
`importing` reads a table of files.
"""
