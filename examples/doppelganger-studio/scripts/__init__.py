"""Scripts for operations."""
