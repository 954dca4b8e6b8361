"""How a key stands against its rate limits, as dialects tell it."""

import msgspec


class RateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Per minute; a limit of None is not there. `…_left` is what remains now, `…_reset_s` the seconds until nothing counts any more."""

    request_limit: int | None = None
    requests_left: int = 0
    requests_reset_s: float = 0.0
    token_limit: int | None = None
    tokens_left: int = 0
    tokens_reset_s: float = 0.0


def no_rate_lines(facts: RateFacts, now: float) -> bytes:
    """Tell nothing, as dialects do whose vendor has no such headers."""
    del facts, now
    return b""
