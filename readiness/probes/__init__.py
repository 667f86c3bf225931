"""Observers of HTTP targets, PostgreSQL and Redis: they say what is there and never judge it."""
