"""The HTTP API, one module a resource. Begin with `application`."""
