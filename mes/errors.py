"""The anticipated errors. Their text is for the person who acted: what is wrong, what to do."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """The rules of the shop forbid this act; nothing of it is stored but the answer.

    `status` is what the API answers: 422 a rule or bad input, 409 the data moved on,
    404 there is no such thing here (a foreign one looks the same), 403 no right.
    """

    def __init__(
        self, message: str, *, status: int = 422, code: str = "refused", **data: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.data = data


class Stale(Refused):
    """The decision was taken on data that moved meanwhile; `data` says what moved."""

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message, status=409, code="stale", **data)


class Missing(Refused):
    """No such thing on this site."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=404, code="missing")


class Busy(Exception):
    """A lock was not to be had in time: answer 503 with Retry-After; nothing is stored."""
