"""The telephone side: AGI sessions, the AMI link, Asterisk itself, and media."""
