"""Recordings: joined from two sides, measured, stored."""
