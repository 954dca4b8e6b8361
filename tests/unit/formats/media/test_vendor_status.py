import pytest

from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS, poll_refused, submit_refused


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (400, "no", ("invalid_request", True, False)),
        (401, "no", ("credential_refused", True, True)),
        (402, "no", ("vendor_balance", True, True)),
        (429, None, ("rate_limited", True, True)),
        (404, None, ("vendor_misconfigured", True, True)),
        (404, "no", ("task_not_found", True, True)),
        (301, None, ("vendor_misconfigured", True, True)),
        (503, "no", ("vendor_unavailable", True, True)),
        (503, None, ("", False, False)),
        (500, "no", ("", False, False)),
        (504, "no", ("", False, False)),
        (200, "no", ("", False, False)),
    ],
)
def test_a_submit(status: int, message: str | None, told: tuple[str, bool, bool]) -> None:
    state = submit_refused(status, message)
    assert (state.error_code, state.refused, state.retryable) == told


def test_a_poll_never_ends_a_task_but_when_the_vendor_does_not_know_it() -> None:
    assert poll_refused(404, "no").error_code == "task_not_found"
    assert poll_refused(404, "no").refused
    for status, message in ((404, None), (401, "no"), (500, None), (400, "no")):
        assert not poll_refused(status, message).refused


def test_messages_are_bounded() -> None:
    assert len(submit_refused(400, "x" * 10_000).error_message) == MAX_MESSAGE_CHARACTERS
