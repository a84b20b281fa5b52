"""Programs that Asterisk itself starts for a caller when no server answers. Begin with `take_number`, then `spool`."""
