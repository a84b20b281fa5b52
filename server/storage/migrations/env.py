"""Run by Alembic: migrates over the connection that `server.storage.migrate` hands in."""

from alembic import context

import server.storage.callback_tables  # noqa: F401  (its tables)
from server.storage.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
