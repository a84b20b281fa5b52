"""HTTP: the API and, above it, the pages."""
