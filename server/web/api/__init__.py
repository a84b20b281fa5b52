"""The HTTP API, a module for each resource: shapes and routes, each of which calls one act of `usecases`.

Begin with `application`, which joins the routes, and `shapes`, which they share.
"""
