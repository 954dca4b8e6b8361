from modelgate.core.rates import RateFacts
from modelgate.formats.anthropic_messages.rates import rate_lines


def test_times_are_timestamps_and_only_limits_there_are_are_told() -> None:
    facts = RateFacts(request_limit=10, requests_left=-1, requests_reset_s=1.5)
    assert rate_lines(facts, 1_790_000_000.0) == (
        b"anthropic-ratelimit-requests-limit: 10\r\n"
        b"anthropic-ratelimit-requests-remaining: 0\r\n"
        b"anthropic-ratelimit-requests-reset: 2026-09-21T14:13:22Z\r\n"
    )
    both = rate_lines(RateFacts(request_limit=1, token_limit=2, tokens_left=2), 0.0)
    assert both.count(b"\r\n") == 6
    assert b"tokens-remaining: 2\r\n" in both
    assert rate_lines(RateFacts(), 0.0) == b""
