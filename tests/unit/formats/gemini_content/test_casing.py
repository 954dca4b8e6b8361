import msgspec
import pytest

from modelgate.formats.gemini_content.casing import camel, camel_case


def test_the_dialects_names_change_and_the_callers_do_not() -> None:
    args = {"my_arg": {"their_name": 1}}
    body = {
        "system_instruction": {"parts": [{"text": "a_b"}]},
        "contents": [{"parts": [{"function_call": {"name": "f_x", "args": args}, "thought_signature": "s"}]}],
        "tools": [{"function_declarations": [{"parameters": {"properties": {"a_b": {}}}}]}],
        "generation_config": {"response_schema": {"any_of": []}},
    }

    assert msgspec.json.decode(camel_case(msgspec.json.encode(body))) == {
        "systemInstruction": {"parts": [{"text": "a_b"}]},
        "contents": [{"parts": [{"functionCall": {"name": "f_x", "args": args}, "thoughtSignature": "s"}]}],
        "tools": [{"functionDeclarations": [{"parameters": {"properties": {"a_b": {}}}}]}],
        "generationConfig": {"responseSchema": {"any_of": []}},
    }


@pytest.mark.parametrize("body", [b'{"contents":[],"a":"x_y"}', b'{"snake_case": ', b"[" * 5000 + b'"a_b":', b'{"a_b":\xff}'])
def test_what_needs_nothing_or_is_no_json_stays(body: bytes) -> None:
    assert camel_case(body) is body


def test_beyond_all_depth_names_stay() -> None:
    body = b'{"a_b":' * 40 + b"1" + b"}" * 40
    assert camel_case(body).count(b"aB") == 33


def test_one_name() -> None:
    assert (camel("max_output_tokens"), camel("text"), camel("top_k")) == ("maxOutputTokens", "text", "topK")
