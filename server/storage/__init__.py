"""SQL and files: what is kept for people to read. The log decides; these are its projections."""
