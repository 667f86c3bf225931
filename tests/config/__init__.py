"""Tests of readiness.config."""
