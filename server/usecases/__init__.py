"""What people may ask, by whichever door they come."""
