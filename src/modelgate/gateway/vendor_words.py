"""What upstreams say of troubles that are not their callers': callers are told its class alone, the operator's log has the words."""

import structlog

from modelgate.core.clock import Clock
from modelgate.formats.chat.vendor_error import VendorError, is_callers_fault

WINDOW_S = 30.0
MAX_LINES = 10
"""Of one upstream in that time and process: one that is down is so for every request."""
MAX_UPSTREAMS = 1_000
MAX_WORDS_CHARACTERS = 500

_log = structlog.get_logger("upstreams")


class VendorWords:
    """Logs them, with the request they were said of."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}  # when the upstream's began, and what was said in it

    def note(self, upstream: str, error: VendorError, *, request_id: str) -> None:
        """Log an error, unless it is its caller's, who reads it, or the upstream has said a lot already."""
        if is_callers_fault(error.status):
            return
        now = self._clock()
        began, count = self._windows.get(upstream, (now, 0))
        left_out = 0
        if now - began >= WINDOW_S or now < began:
            left_out = max(count - MAX_LINES, 0)
            began, count = now, 0
        elif upstream not in self._windows and len(self._windows) >= MAX_UPSTREAMS:
            self._windows.pop(next(iter(self._windows)))
        self._windows[upstream] = (began, count + 1)
        if count >= MAX_LINES:
            return
        _log.warning(
            "upstream_trouble",
            upstream=upstream,
            status=error.status,
            code=error.code,
            said=error.message[:MAX_WORDS_CHARACTERS],
            request_id=request_id,
            **({"left_out": left_out} if left_out else {}),
        )
