"""Everything that touches the world: Asterisk, Redis, SQL, browsers. The cores decide; this package does."""
