"""Run the migrations on the connection that ``storage.schema`` hands over."""

from __future__ import annotations

from alembic import context

from storage.schema import COMPARISON

context.configure(connection=context.config.attributes["connection"], **COMPARISON)
with context.begin_transaction():
    context.run_migrations()
