"""Scripts for the database."""
