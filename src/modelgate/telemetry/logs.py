"""Log lines: one event, one line on stderr, as JSON or for people; secrets never reach them."""

import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

REDACTED = "[redacted]"
MAX_DEPTH = 6
"""Nested values deeper than this are shown as text."""

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_SECRET = re.compile(
    r"""
      \b(?:sk|pk|rk|key)-[A-Za-z0-9_-]{8,}                              # API keys, ours and most vendors'
    | \bAIza[0-9A-Za-z_-]{20,}                                          # Google
    | \beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?          # signed tokens
    | (?<=[Bb]earer[ ])[^\s"',]{5,} | (?<=[Bb]asic[ ])[A-Za-z0-9+/=]{6,}   # Authorization headers
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                                   # user and password in a URL
    """,
    re.VERBOSE,
)
_SECRET_NAME = re.compile(r"(?:^|_)(?:secret|password|authorization|api_key|credential|cookie)s?$", re.IGNORECASE)

log = structlog.get_logger()
"""The logger of every room: `log.info("noun_happened", fact=value)`."""


def redact(value: Any, depth: int = 0) -> Any:
    """Return the value with everything that looks like a secret replaced, in texts, keys named like one, lists and mappings."""
    match value:
        case str():
            return _SECRET.sub(REDACTED, value)
        case bytes():
            return _SECRET.sub(REDACTED, value.decode("utf-8", "replace"))
        case int() | float() | None:
            return value
        case Mapping() if depth < MAX_DEPTH:
            return {name: REDACTED if _SECRET_NAME.search(str(name)) else redact(part, depth + 1) for name, part in value.items()}
        case list() | tuple() | set() | frozenset() if depth < MAX_DEPTH:
            return [redact(part, depth + 1) for part in value]
        case _:
            return _SECRET.sub(REDACTED, str(value))


def _redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {name: REDACTED if _SECRET_NAME.search(name) else redact(value) for name, value in event.items()}


def _name_role(role: str) -> Processor:
    def name(_logger: object, _method: str, event: EventDict) -> EventDict:
        if role:
            event["role"] = role  # not a context variable: pools' threads have none of ours
        return event

    return name


def configure_logs(*, level: str = "info", format: str = "auto", role: str = "") -> None:
    """Set up this process's log lines. `format`: json, console or auto (console on a terminal). `role` is named in each line."""
    as_json = format == "json" or (format == "auto" and not sys.stderr.isatty())
    renderer = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            _name_role(role),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
