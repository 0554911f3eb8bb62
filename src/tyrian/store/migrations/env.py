"""Alembic's entry: runs the versions on the connection, and in the transaction, that `tyrian.store.migrate` holds."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
