"""The lists of calls, tickets, recordings, agents and promises, in SQL that both databases read.

The server asks by its engine, the command line by a plain connection (`asking`): statements and rows are the same.
Nothing here is heavy to import.
"""
