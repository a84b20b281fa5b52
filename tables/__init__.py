"""TOML files whose errors name file, line and key. Read by the cores and by the server; no I/O here."""
