"""Tests of readiness.static.secrets."""
