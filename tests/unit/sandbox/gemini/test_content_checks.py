from base64 import b64decode
from typing import Any

import pytest

from modelgate.sandbox.gemini.content_checks import check_contents
from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.signatures import sign

Content = dict[str, Any]
ASKED: Content = {"role": "user", "parts": [{"text": "weather?"}]}
SAID: Content = {"role": "model", "parts": [{"text": "hm"}]}


def called(*names: str, signed: bool = False) -> Content:
    parts: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": {}}} for name in names]
    if signed:
        parts[0]["thoughtSignature"] = b64decode(sign(names[0]))
    return {"role": "model", "parts": parts}


def answered(*names: str, **fields: Any) -> Content:
    return {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {}, **fields}} for name in names]}


@pytest.mark.parametrize(
    "contents",
    [
        [{"parts": [{"text": "no role"}]}],
        [{"role": "", "parts": [{"text": "an empty one"}]}],
        [ASKED, SAID, ASKED],
        [ASKED, called("f"), answered("f")],
        [ASKED, called("f", "g"), answered("g", "f"), SAID, ASKED],
        [ASKED, called("f"), {**answered("f"), "role": "function"}],
        [ASKED, called("f"), answered("f"), called("f"), answered("f")],
        [ASKED, {"role": "model", "parts": [{"text": "", "thoughtSignature": b"x"}]}, ASKED],
    ],
)
def test_what_is_taken(contents: list[Content]) -> None:
    check_contents(contents, signed=False)


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        ([], "contents is not specified"),
        ([{"role": "assistant", "parts": [{"text": "x"}]}], "valid role: user, model"),
        ([{"role": "user", "parts": []}], r"contents\[0\].parts: contents.parts must not be empty"),
        ([{"role": "user"}], "must not be empty"),
        ([{"parts": [{"thought": True}]}], "must have one initialized field"),
        ([{"parts": [{"text": ""}]}], "not empty"),
        ([ASKED, called("f")], "number of function response parts"),
        ([ASKED, called("f"), ASKED], "number of function response parts"),
        ([ASKED, called("f", "g"), answered("f"), answered("g")], "number of function response parts"),
        ([ASKED, answered("f")], "function response turn comes immediately after"),
        ([called("f"), answered("f")], "function call turn comes immediately after"),
        ([ASKED, SAID, called("f"), answered("f")], "function call turn comes immediately after"),
        ([ASKED, {**called("f"), "role": "user"}, answered("f")], "function call turn comes immediately after"),
        ([ASKED, called("f"), answered("g")], "`g` does not answer"),
        ([ASKED, called("f", "f"), answered("f", "")], "name: Name cannot be empty"),
        ([ASKED, called("f"), {"parts": [{"functionResponse": {"name": "f"}}]}], "response: must be specified"),
        ([ASKED, called("f"), answered("f", parts=[{"fileData": {}}])], r"function_response.parts\[0\].file_data.file_uri"),
    ],
)
def test_what_is_refused(contents: list[Content], complaint: str) -> None:
    with pytest.raises(GeminiRefused, match=complaint):
        check_contents(contents, signed=False)


def test_ids_must_match_when_both_sides_have_them() -> None:
    with_id = {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "f"}}]}
    check_contents([ASKED, with_id, answered("f", id="a")], signed=False)
    check_contents([ASKED, with_id, answered("f")], signed=False)
    check_contents([ASKED, called("f"), answered("f", id="b")], signed=False)
    with pytest.raises(GeminiRefused, match="does not answer"):
        check_contents([ASKED, with_id, answered("f", id="b")], signed=False)


def test_calls_of_the_current_turn_are_signed() -> None:
    check_contents([ASKED, called("f", "g", signed=True), answered("f", "g")], signed=True)
    check_contents([ASKED, called("f"), answered("f"), SAID, ASKED], signed=True)
    with pytest.raises(GeminiRefused, match=r"missing a thought_signature.*`default_api:f` , position 2"):
        check_contents([ASKED, called("f"), answered("f")], signed=True)
    with pytest.raises(GeminiRefused, match="position 4"):
        check_contents([ASKED, called("f", signed=True), answered("f"), called("f"), answered("f")], signed=True)
    forged = called("f")
    forged["parts"][0]["thoughtSignature"] = b64decode(sign("g"))
    with pytest.raises(GeminiRefused, match="not valid"):
        check_contents([ASKED, forged, answered("f")], signed=True)
