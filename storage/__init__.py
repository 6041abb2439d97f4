"""What is kept: Postgres tables, migrations and the Store. Knows simulation's values, and no actor."""
