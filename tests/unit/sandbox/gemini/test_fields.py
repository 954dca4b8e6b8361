from typing import Any

import pytest

from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.fields import MAX_VIOLATIONS, read_message, snake
from modelgate.sandbox.gemini.schema import ENUMS, MESSAGES


def read(body: Any, message: str = "GenerateContentRequest") -> dict[str, Any]:
    return read_message(body, message)


def complaints(body: Any, message: str = "GenerateContentRequest") -> str:
    with pytest.raises(GeminiRefused) as caught:
        read_message(body, message)
    return caught.value.message


def test_every_kind_is_one_there_is() -> None:
    kinds = {kind.removeprefix("[]").removeprefix("{}") for fields in MESSAGES.values() for kind in fields.values()}
    assert kinds - set(MESSAGES) - set(ENUMS) == {"string", "bool", "int32", "int64", "float", "bytes", "struct", "value"}


def test_both_casings_are_read() -> None:
    camel = {"systemInstruction": {"parts": [{"inlineData": {"mimeType": "a/b", "data": "AAA="}}]}, "generationConfig": {"topP": 0.5}}
    mixed = {"system_instruction": {"parts": {"inline_data": {"mime_type": "a/b", "data": "AAA"}}}, "generation_config": {"top_p": "0.5"}}
    assert read(camel) == read(mixed)
    assert read(camel)["systemInstruction"]["parts"][0]["inlineData"] == {"mimeType": "a/b", "data": b"\0\0"}
    assert snake("responseJsonSchema") == "response_json_schema"


def test_values_are_brought_into_form() -> None:
    read_settings = read(
        {"generationConfig": {"topK": 4.0, "seed": "7", "stopSequences": "x", "responseSchema": {"type": "string", "minLength": "3"}}}
    )
    assert read_settings["generationConfig"] == {
        "topK": 4,
        "seed": 7,
        "stopSequences": ["x"],
        "responseSchema": {"type": "STRING", "minLength": 3},
    }
    assert read({"contents": None, "cached_content": "x"}) == {"cachedContent": "x"}
    assert read({"thoughtSignature": "-_8"}, "Part") == read({"thought_signature": "+/8="}, "Part") == {"thoughtSignature": b"\xfb\xff"}


def test_unknown_names_are_refused_with_their_place() -> None:
    assert complaints({"messages": []}) == 'Invalid JSON payload received. Unknown name "messages": Cannot find field.'
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"const": 1}}, "additionalProperties": False}
    text = complaints({"tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]})
    place = "tools[0].function_declarations[0].parameters"
    assert f"Unknown name \"const\" at '{place}.properties[1].value'" in text
    assert f"Unknown name \"additionalProperties\" at '{place}'" in text


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"generationConfig": {"temperature": "hot"}}, "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\""),
        ({"generationConfig": {"temperature": True}}, "(TYPE_FLOAT), true"),
        ({"generationConfig": {"topK": 1.5}}, "(TYPE_INT32), 1.5"),
        ({"generationConfig": {"seed": 2**31}}, "(TYPE_INT32)"),
        ({"generationConfig": []}, "Invalid value at 'generation_config'"),
        ({"contents": ["Hi"]}, 'v1beta.Content), "Hi"'),
        ({"contents": [{"parts": [{"text": 1}]}]}, "'contents[0].parts[0].text' (TYPE_STRING), 1"),
        ({"contents": [{"parts": [{"inlineData": {"data": "?"}}]}]}, "(TYPE_BYTES)"),
        ({"contents": [{"parts": [{"text": "", "inlineData": {}}]}]}, "oneof field 'data' is already set. Cannot set 'inlineData'"),
        ({"contents": [{"parts": [{"functionResponse": {"response": "sunny"}}]}]}, "(type.googleapis.com/google.protobuf.Struct)"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "any"}}}, 'v1beta.Mode), "any"'),
        ({"tools": [{"functionDeclarations": [{"parameters": {"properties": []}}]}]}, "parameters.properties' (Map)"),
        ([], "Expected an object"),
    ],
)
def test_wrong_types_are_refused(body: Any, complaint: str) -> None:
    assert complaint in complaints(body)


def test_complaints_and_depth_are_bounded() -> None:
    assert complaints({f"x{number}": 1 for number in range(500)}).count("\n") == MAX_VIOLATIONS - 1
    deep: dict[str, Any] = {"type": "STRING"}
    for _ in range(400):
        deep = {"items": deep}
    assert "too deep" in complaints(deep, "Schema")
