"""Reading the records: lists, single records and reports, for the API and the command line. Begin with `records`."""
