"""SQL implementations of the stores: PostgreSQL in production, SQLite for a first try."""
