"""The tables of the records, and the migrations that bring a database up to date. Begin with `tables`."""
