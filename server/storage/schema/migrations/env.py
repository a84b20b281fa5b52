"""Run by Alembic: migrates over the connection that `server.storage.schema.migrate` hands in."""

from alembic import context

import server.storage.schema.access_tables
import server.storage.schema.archive_tables
import server.storage.schema.callback_tables
import server.storage.schema.customer_tables
import server.storage.schema.definition_tables
import server.storage.schema.knowledge_tables
import server.storage.schema.list_tables
import server.storage.schema.quality_tables
import server.storage.schema.recording_tables
import server.storage.schema.report_tables
import server.storage.schema.ticket_tables
import server.storage.schema.webhook_tables  # noqa: F401  (its tables)
from server.storage.schema.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
