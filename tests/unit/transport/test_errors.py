"""What an error says about the request."""

import pytest

from modelgate.transport.errors import BadResponse, BodyTooLong, ConnectFailed, ConnectionBroken, TimedOut, TimeoutPhase, TransportError


@pytest.mark.parametrize(("phase", "sent"), [("connect", False), ("queue", False), ("send", True), ("head", True), ("body", True)])
def test_a_timeout_knows_whether_the_upstream_may_have_acted(phase: TimeoutPhase, sent: bool) -> None:
    assert TimedOut("x", phase=phase).sent == sent


def test_the_others_know_too() -> None:
    errors: list[TransportError] = [ConnectFailed("x"), BadResponse("x"), BodyTooLong("x"), ConnectionBroken("x", sent=True)]
    assert [(error.sent, error.response_started) for error in errors] == [(False, False), (True, True), (True, True), (True, False)]
