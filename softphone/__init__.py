"""A scripted SIP phone, for the demo, the tests and the benchmarks. Begin with `phone`."""
