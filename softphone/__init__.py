"""A caller and an agent for someone without a phone."""
