"""The one reader of TOML tables, for the cores, the server and the scenarios; errors name file, line and key.

Begin with `values`: `Table` reads a table value by value and raises `errors.TableError` with key and sentence. `toml`
reads a file and finds the line of a key; within `toml.located` the error also names file and line.
"""
