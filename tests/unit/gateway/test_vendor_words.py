"""The operator's log of what upstreams say."""

import pytest
import structlog
from tests.twins.clock import Clock

from modelgate.formats.chat.vendor_error import VendorError
from modelgate.gateway import vendor_words
from modelgate.gateway.vendor_words import MAX_LINES, MAX_WORDS_CHARACTERS, WINDOW_S, VendorWords

SAID = VendorError(status=503, message="connect to 10.0.0.7:8000 failed", code="unavailable")


def test_the_operator_reads_what_the_caller_does_not() -> None:
    with structlog.testing.capture_logs() as lines:
        words = VendorWords(clock=Clock(now=100.0))
        words.note("up_1", SAID, request_id="req_1")
        words.note("up_1", VendorError(status=400, message="bad"), request_id="req_2")
    assert lines == [
        {
            "event": "upstream_trouble",
            "log_level": "warning",
            "upstream": "up_1",
            "status": 503,
            "code": "unavailable",
            "said": "connect to 10.0.0.7:8000 failed",
            "request_id": "req_1",
        }
    ]


def test_an_upstream_that_is_down_does_not_fill_the_log() -> None:
    clock = Clock(now=100.0)
    with structlog.testing.capture_logs() as lines:
        words = VendorWords(clock=clock)
        for _ in range(MAX_LINES + 5):
            words.note("up_1", SAID, request_id="req_1")
        assert len(lines) == MAX_LINES
        words.note("up_2", SAID, request_id="req_2")
        clock.now += WINDOW_S
        words.note("up_1", SAID, request_id="req_3")
        words.note("up_1", SAID, request_id="req_4")
    assert [(line["request_id"], line.get("left_out")) for line in lines[MAX_LINES:]] == [("req_2", None), ("req_3", 5), ("req_4", None)]


def test_words_and_upstreams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor_words, "MAX_UPSTREAMS", 3)
    with structlog.testing.capture_logs() as lines:
        words = VendorWords(clock=Clock(now=100.0))
        for number in range(10):
            words.note(f"up_{number}", VendorError(status=500, message="x" * 2_000), request_id="req_1")
    assert len(words._windows) == 3
    assert {len(line["said"]) for line in lines} == {MAX_WORDS_CHARACTERS}
