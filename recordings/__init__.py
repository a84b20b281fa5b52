"""What was recorded, and who may hear it. Plain Python: decides, never acts."""
