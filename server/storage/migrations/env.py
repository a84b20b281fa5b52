"""Run by Alembic: migrates over the connection that `server.storage.migrate` hands in."""

from alembic import context

from server.storage.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
