"""AMI: events out of Asterisk, actions into it. Begin with `link`."""
