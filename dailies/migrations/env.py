"""Alembic's entry: runs the versions on the connection that ``upgrade`` was given."""

from alembic import context

from dailies import changes
from dailies.record import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[Row.metadata, changes.METADATA],
    transactional_ddl=True,
)
context.run_migrations()
