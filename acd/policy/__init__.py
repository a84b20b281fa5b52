"""The operator's routing rules as frozen values, for the floor, and their reader, for the server.

Begin with `definitions`; `reading` makes them from the tables of `hotline.toml`.
"""
