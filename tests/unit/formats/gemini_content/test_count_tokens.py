from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.chat.request import ChatRequest, Text
from modelgate.formats.gemini_content.count_tokens import decode_count, encode_count

CONTENTS = [{"parts": [{"text": "Hello"}]}]


def counted(body: Any) -> ChatRequest:
    return decode_count(
        HttpRequest(method="POST", path="/v1beta/models/m:countTokens", headers=HeaderBlock(), body=msgspec.json.encode(body))
    )


@pytest.mark.parametrize("field", ["generateContentRequest", "generate_content_request"])
def test_both_forms_are_counted(field: str) -> None:
    plain = counted({"contents": CONTENTS})
    whole = counted({field: {"model": "models/m", "contents": CONTENTS, "system_instruction": {"parts": {"text": "Be"}}}})

    assert plain.messages == whole.messages
    assert whole.system == (Text(text="Be"),)
    assert plain.model == "m"


@pytest.mark.parametrize(("body", "param"), [({}, "contents"), ({"contents": []}, "contents"), ([], None), ({"contents": 1}, "contents")])
def test_nothing_to_count_is_refused(body: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        counted(body)
    assert caught.value.param == param


def test_the_count() -> None:
    assert msgspec.json.decode(encode_count(31)) == {"totalTokens": 31, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 31}]}
