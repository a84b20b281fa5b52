"""Callback mode and its promises, beside the floor and played from the same log. Begin with `engine` and `states`."""
