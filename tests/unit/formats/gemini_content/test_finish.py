import pytest

from modelgate.formats.chat.response import FinishReason
from modelgate.formats.gemini_content.finish import decode_finish, encode_finish


@pytest.mark.parametrize(
    ("reason", "has_calls", "finish"),
    [
        ("STOP", False, "stop"),
        ("STOP", True, "tool_calls"),
        ("MAX_TOKENS", True, "length"),
        ("SAFETY", False, "content_filter"),
        ("IMAGE_RECITATION", False, "content_filter"),
        ("MALFORMED_FUNCTION_CALL", False, "stop"),
        ("NO_IMAGE", False, "stop"),
        ("SOMETHING_NEW", False, "stop"),
    ],
)
def test_reasons_are_read(reason: str, has_calls: bool, finish: FinishReason) -> None:
    assert decode_finish(reason, has_calls=has_calls) == finish


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", "STOP"),
        ("tool_calls", "STOP"),
        ("stop_sequence", "STOP"),
        ("length", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
        ("pause", "OTHER"),
    ],
)
def test_reasons_are_told(finish: FinishReason, reason: str) -> None:
    assert encode_finish(finish) == reason
