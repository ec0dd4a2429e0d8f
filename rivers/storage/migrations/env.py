"""Alembic runs this file. The connection comes from `rivers.storage.migration`, inside of its transaction."""

from alembic import context

from rivers.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
