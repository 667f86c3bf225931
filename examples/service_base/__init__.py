"""What the example services have in common: settings, logs, metrics, health, and the faults they can be told to have.

It is not installed: each `service.py` puts the folder above it on the path.
"""
