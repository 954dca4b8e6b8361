"""What browsers are told. Any origin may call with a key; never with the cookies of the console, so no credentials."""

from modelgate.core.http import HeaderBlock, HttpResponse

PREFLIGHT_MAX_AGE_S = 7200
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

EXPOSED = (
    "x-request-id",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "modelgate-ignored",
    "idempotent-replayed",
    "modelgate-cache",
    "age",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    *(f"anthropic-ratelimit-{of}-{what}" for of in ("requests", "tokens") for what in ("limit", "remaining", "reset")),
)

ORIGIN_LINES = f"access-control-allow-origin: *\r\naccess-control-expose-headers: {', '.join(EXPOSED)}\r\n".encode("ascii")
"""Added to every answer whose request names an Origin."""


def render_options(headers: HeaderBlock) -> HttpResponse:
    """Return the answer to OPTIONS: a preflight's permissions (the asked headers are echoed: `*` would leave out authorization)."""
    lines = [("allow", METHODS)]
    if headers.get(b"access-control-request-method") is not None:
        asked = headers.get(b"access-control-request-headers")
        lines.append(("access-control-allow-methods", METHODS))
        lines.append(("access-control-max-age", str(PREFLIGHT_MAX_AGE_S)))
        lines.append(("vary", "access-control-request-headers"))
        if asked:
            lines.append(("access-control-allow-headers", asked.decode("latin-1")))
    return HttpResponse(status=204, headers=HeaderBlock.of(*lines))
