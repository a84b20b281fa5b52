"""The tables of the records, and how a database gets them."""
