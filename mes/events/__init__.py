"""Event bodies: the JSON schema of each kind, canonical form, and the hash chain."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parent / "schemas"


@cache
def kinds() -> dict[str, int]:
    """Every known kind of event and its newest schema version."""
    found: dict[str, int] = {}
    for path in sorted(SCHEMAS.glob("*.v*.json")):
        kind, version = path.stem.rsplit(".v", 1)
        found[kind] = max(found.get(kind, 0), int(version))
    return found


@cache
def _validator(kind: str, version: int) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{kind}.v{version}.json").read_text())
    return jsonschema.Draft202012Validator(schema)


def validate(kind: str, body: dict[str, Any]) -> int:
    """Check a body against the newest schema of its kind and return that version.

    :raises ValueError: if the kind is unknown or the body is not of its schema. That is a
        mistake of ours, never of the person at the terminal: actions check before they record.
    """
    version = kinds().get(kind)
    if version is None:
        raise ValueError(f"no schema for events of kind {kind!r}")
    problem = next(_validator(kind, version).iter_errors(body), None)
    if problem is not None:
        raise ValueError(f"{kind}: {problem.json_path}: {problem.message}")
    return version


def plain(value: Any) -> Any:
    """Decimals and instants as strings, so that the same state has one form."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if isinstance(value, float):
        raise TypeError("a float has no one form; use Decimal")
    return str(value)


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no spaces, UTF-8."""
    return json.dumps(
        plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def chain_hash(previous: bytes, row: dict[str, Any]) -> bytes:
    """sha256(previous || canonical JSON of every column of the row)."""
    return hashlib.sha256(bytes(previous) + canonical(row)).digest()
