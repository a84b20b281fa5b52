"""The read side of the records: lists, single records, reports."""
