import json
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.openai_chat.request import ask_for_usage, count_images, peek, rename_model

BODY = b'{ "messages" : [{"role":"user","content":"say \\"model\\": \\"x\\""}],\n "model":"gpt-4o",  "metadata":{"model":"inner"}, "extra":[1, 2.50]}'


def test_peek_reads_what_routing_needs() -> None:
    found = peek(b'{"model":"m","messages":[1],"stream":true,"stream_options":{"include_usage":true},"n":2,"max_tokens":5}')
    assert (found.model, found.stream, found.n, found.output_limit) == ("m", True, 2, 5)


def test_the_newer_output_limit_wins() -> None:
    assert peek(b'{"model":"m","messages":[1],"max_tokens":5,"max_completion_tokens":7}').output_limit == 7
    # One was taken, and vendors that heed the other answered what no money was held for.
    assert peek(b'{"model":"m","messages":[1],"max_tokens":5000,"max_completion_tokens":7}').output_limit == 5000
    assert peek(b'{"model":"m","messages":[1]}').output_limit is None


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"", None, "invalid_json"),
        (b'{"model":', None, "invalid_json"),
        (b"[]", None, "invalid_type"),
        (b'{"messages":[1]}', "model", "missing_required_parameter"),
        (b'{"model":"m"}', "messages", "missing_required_parameter"),
        (b'{"model":"","messages":[1]}', "model", "invalid_value"),
        (b'{"model":"%s","messages":[1]}' % (b"m" * 300), "model", "invalid_value"),
        (b'{"model":7,"messages":[1]}', "model", "invalid_type"),
        (b'{"model":"m","messages":[]}', "messages", "invalid_value"),
        (b'{"model":"m","messages":[ \n ]}', "messages", "invalid_value"),
        (b'{"model":"m","messages":"hi"}', "messages", "invalid_type"),
        (b'{"model":"m","messages":[1],"n":0}', "n", "invalid_value"),
        (b'{"model":"m","messages":[1],"n":129}', "n", "invalid_value"),
        (b'{"model":"m","messages":[1],"n":1.5}', "n", "invalid_type"),
        (b'{"model":"m","messages":[1],"max_tokens":0}', "max_tokens", "invalid_value"),
        (b'{"model":"m","messages":[1],"max_completion_tokens":-1}', "max_completion_tokens", "invalid_value"),
        (b'{"model":"m","messages":[1],"stream":"yes"}', "stream", "invalid_type"),
        (b'{"model":"m","messages":[1],"stream_options":{}}', "stream_options", "invalid_value"),
        (
            b'{"model":"m","messages":[1],"stream":true,"stream_options":{"include_usage":1}}',
            "stream_options.include_usage",
            "invalid_type",
        ),
    ],
)
def test_a_bad_request_names_the_field_and_the_rule(body: bytes, param: str | None, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        peek(body)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert "`" not in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"cheap","messages":[1],"model":"dear"}',
        b'{"model":"cheap","messages":[1],"mod\\u0065l":"dear"}',
        b'{"mod\\u0065l":"dear","messages":[1],"model":"cheap"}',
    ],
)
def test_symptom_the_price_of_a_cheap_model_and_the_answer_of_a_dear_one(body: bytes) -> None:
    """With the name given twice we would price one and the upstream might serve the other."""
    with pytest.raises(InvalidRequest, match="given twice"):
        peek(body)


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(b'"x":' + b"[" * 100_000 + b"]" * 100_000, id="nested"),
        pytest.param(b'"x":{"model":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="nested in a second model"),
        pytest.param(b'"user":"\xff"', id="a value that is not UTF-8"),
        pytest.param(b'"\xff":1', id="a name that is not UTF-8"),
    ],
)
def test_symptom_500_for_json_no_parser_takes(field: bytes) -> None:
    """RecursionError and UnicodeDecodeError ended as faults of ours, or made an upstream break off and be avoided."""
    with pytest.raises(InvalidRequest) as refused:
        peek(b'{"model":"m","messages":[{"role":"user","content":"x"}],' + field + b"}")
    assert refused.value.code == "invalid_json"


def test_the_word_model_elsewhere_is_no_twin() -> None:
    assert peek(BODY).model == "gpt-4o"


def test_renaming_changes_the_name_and_no_other_byte() -> None:
    assert rename_model(BODY, 'x"y') == BODY.replace(b'"model":"gpt-4o"', b'"model":"x\\"y"')


def test_usage_is_asked_for_with_every_other_byte_kept() -> None:
    body = b'{"model":"m","messages":[1],"stream":true, "z" : 1.0 }'
    assert ask_for_usage(body, peek(body)) == b'{"stream_options":{"include_usage":true},' + body[1:]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (b'{"include_usage":true}', b'{"include_usage":true}'),
        (b"null", b'{"include_usage":true}'),
        (b'{"include_usage":false,"include_obfuscation":false}', b'{"include_usage":true,"include_obfuscation":false}'),
        (b"{}", b'{"include_usage":true}'),
    ],
)
def test_other_stream_options_survive(options: bytes, sent: bytes) -> None:
    body = b'{"model":"m","stream_options":%b ,"messages":[1],"stream":true}'
    assert ask_for_usage(body % options, peek(body % options)) == body % sent


def test_images_are_counted_from_above() -> None:
    part = b'{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}'
    assert count_images(b"[%b,%b]" % (part, part)) == 2
    assert count_images(b'{"content":"nothing"}') == 0


def test_a_large_body_is_searched_like_a_small_one() -> None:
    picture = "A" * 200_000
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    fields: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": [part, part]}]}
    body = json.dumps(fields).encode()
    assert peek(body).model == "m"
    assert count_images(body) == 2
    with pytest.raises(InvalidRequest, match="given twice"):
        peek(body[:-1] + b', "model": "dear"}')
    many_quotes = json.dumps({**fields, "words": ["x"] * 5000}).encode()
    assert (peek(many_quotes).model, count_images(many_quotes)) == ("m", 2)
