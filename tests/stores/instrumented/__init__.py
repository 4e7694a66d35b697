"""A database engine as hosts wrap them (metrics, tenants): PostgreSQL under a name that does not say so."""
