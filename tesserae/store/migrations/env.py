"""What Alembic runs around the revisions: takes the connection, and the transaction, that `tesserae.store.database` opened."""

from alembic import context

from tesserae.store.schema import Row

context.configure(connection=context.config.attributes["connection"], target_metadata=Row.metadata)
with context.begin_transaction():
    context.run_migrations()
