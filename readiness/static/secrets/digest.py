"""The hash that stands for a secret in findings: the same for the same secret in the same file, and of no use to anyone else."""

from __future__ import annotations

import hashlib

LENGTH = 16
"""Hexadecimal digits."""
ROUNDS = 10_000
"""Some milliseconds for each guess: a password that a person thought up could else be read off its hash by trying."""


def digest(secret: str, rule: str, path: str, *, is_guessable: bool) -> str:
    """Returns the secret's hash, bound to the rule and the file, so that no list of hashes made before fits."""
    data, salt = secret.encode("utf-8", "surrogatepass"), f"{rule}\0{path}".encode("utf-8", "surrogatepass")
    if is_guessable:
        return hashlib.pbkdf2_hmac("sha256", data, salt, ROUNDS).hex()[:LENGTH]
    return hashlib.sha256(salt + b"\0" + data).hexdigest()[:LENGTH]
