"""FastAGI: Asterisk connects once for each channel that it hands over. Begin with `server` and `call`."""
