import json
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_moderations.single import DEFAULT_MODEL, FORMAT


def asked(body: Any) -> HttpRequest:
    return HttpRequest(method="POST", path="/v1/moderations", headers=HeaderBlock(), body=json.dumps(body).encode())


def test_without_a_model_the_vendors_default_is_meant_and_said() -> None:
    request = asked({"input": "x"})
    peek = FORMAT.peek(request)
    assert peek.model == DEFAULT_MODEL
    assert json.loads(FORMAT.pass_request(request, peek, DEFAULT_MODEL, NO_QUIRKS).body) == {"input": "x", "model": DEFAULT_MODEL}
    named = asked({"model": "m", "input": ["x", "y"]})
    assert FORMAT.pass_request(named, FORMAT.peek(named), "m", NO_QUIRKS).body == named.body


@pytest.mark.parametrize("body", [{}, {"input": ""}, {"input": []}, {"input": 3}, {"input": "x", "model": ""}, []])
def test_what_cannot_be_judged_is_refused(body: Any) -> None:
    with pytest.raises(InvalidRequest):
        FORMAT.peek(asked(body))


def test_verdicts_pass_under_the_callers_name_of_the_model() -> None:
    request = asked({"input": "x", "model": "mine"})
    answer = b'{"id":"modr-1","model":"real","results":[{"flagged":false}]}'
    passed = FORMAT.pass_response(b"application/json", answer, FORMAT.peek(request), True)
    assert passed.body == answer.replace(b'"real"', b'"mine"')
    assert passed.usage is not None
    with pytest.raises(UnreadableAnswer):
        FORMAT.pass_response(b"application/json", b'{"error":1}', FORMAT.peek(request), False)
