"""AMI, Asterisk's management interface: events out of Asterisk, actions into it. Begin with `link`."""
