"""Run by Alembic, always on the connection and inside the transaction that `open_store` has begun.

There is no offline mode and no address of a database here.
"""

from alembic import context

from ledger.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
