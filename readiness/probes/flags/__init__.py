"""Feature flags, observed over HTTP, in a file, over OFREP and at Unleash's client API."""
