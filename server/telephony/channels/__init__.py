"""Channels of Asterisk and what they are in: legs, tokens, dialling, take-over."""
