"""One matter through the departments. Plain Python: decides, never acts."""
