"""The commands of `sansheng`, for people at a terminal: a module for each group, light to import.

Begin with `shared` (settings, the server's API, the records) and `output` (tables and JSON), then with any command.
`server.cli` names them; `checks` are the doctor's.
"""
