"""A fingerprint of a conversation that says nothing about it to whoever lacks the key."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from turnout.errors import ConfigError
from turnout.types.request import Said

KEY_BYTES: Final = 32
"""256 bits: as long as the hash, beyond which a key adds nothing (RFC 2104, section 3)."""


def query_hash(said: Sequence[Said], key: bytes) -> str:
    """HMAC-SHA-256 under `key` of the canonical messages, hexadecimal.

    The canonical messages are the JSON array of `[role, text]` pairs: the same conversation has the same hash in
    every dialect.
    """
    canonical = msgspec.json.encode([(turn.role, turn.text) for turn in said])
    return hmac.digest(key, canonical, "sha256").hex()


def load_or_create_key(path: Path) -> bytes:
    """The key in the file at `path`, made at first use with mode 0600; its directory with mode 0700.

    However many processes start at once, all get the one key that was made: a complete file is linked into place, and
    whoever comes second reads it.

    Raises:
        ConfigError: the file does not hold a key, or cannot be read or made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create_key(path)
        return _read_key(path)
    except OSError as error:
        raise ConfigError(
            f"a key cannot be kept in {path}: {error.strerror}.",
            fix="Point ledger.directory at a directory that this user may write.",
        ) from error


def _create_key(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its key is the key
    finally:
        draft.unlink()


def _read_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"{path} does not hold a key of {KEY_BYTES} bytes in hexadecimal.",
            fix="Restore it, or remove it to have a new one made (what was made with the old one no longer compares).",
        )
    return key
