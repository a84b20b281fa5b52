"""The part that acts: Asterisk, Redis, SQL, HTTP and the command line. The cores decide, and do none of this.

Begin with `app` (what starts and stops), `wiring` (the parts of a server that leads, and what listens to what) and
`hotline.dispatcher` (from event to command).
"""
