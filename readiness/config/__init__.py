"""`readiness.toml`: its types, its schema, and how it is read, merged and validated."""
