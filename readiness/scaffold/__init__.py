"""`readiness init`: what a repository holds, read without executing any of it, and a `readiness.toml` made from it.

`files` finds and reads within bounds, `source`, `apps` and `routes` understand Python, `manifests` everything else,
`survey` puts that together and `draft` writes it down. The same repository gives the same text.
"""
