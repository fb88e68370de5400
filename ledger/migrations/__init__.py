"""Alembic's migrations of the database. `ledger.store.open_store` runs them; nobody has to."""
