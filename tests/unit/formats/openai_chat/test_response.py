import json

import msgspec
import pytest

from modelgate.core.errors import BalanceExhausted, InvalidRequest, NoUpstream, RateExceeded
from modelgate.core.usage import Usage
from modelgate.formats.openai_chat.errors import decode_detail
from modelgate.formats.openai_chat.response import decode_answer, encode_error, has_no_choices, rename_answer, usage_of


def usage(text: str) -> Usage | None:
    answer = decode_answer(b'{"choices":[1],"usage":%b}' % text.encode())
    assert answer is not None
    assert answer.usage is not None
    return usage_of(answer.usage)


def test_usage_keeps_the_parts_apart() -> None:
    counted = usage(
        '{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":30,"audio_tokens":5},'
        '"completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":null}}'
    )
    assert counted == Usage(
        input_tokens=100, cached_tokens=30, input_audio_tokens=5, output_tokens=50, reasoning_tokens=20, output_audio_tokens=0
    )


def test_tokens_both_read_from_and_written_to_the_cache_are_counted_as_read() -> None:
    counted = usage('{"prompt_tokens":100,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":80,"cache_write_tokens":60}}')
    assert counted is not None
    assert (counted.cached_tokens, counted.cache_write_tokens) == (80, 20)


@pytest.mark.parametrize(
    "text",
    [
        '{"prompt_tokens":-1,"completion_tokens":5}',
        '{"prompt_tokens":1,"completion_tokens":-5}',
        '{"prompt_tokens":2000000000,"completion_tokens":5}',
        '{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":11}}',
        '{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-1}}',
        '{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}}',
    ],
)
def test_symptom_negative_usage_accepted_as_credit(text: str) -> None:
    assert usage(text) is None


def test_symptom_thoughts_counted_beside_the_completion_were_free() -> None:
    """xAI's completion leaves its thoughts out, only its total has them: 317 tokens were not charged, or all of the usage was refused."""
    said = '{"prompt_tokens":12,"completion_tokens":%d,"total_tokens":%d,"completion_tokens_details":{"reasoning_tokens":317}}'
    assert usage(said % (2, 331)) == Usage(input_tokens=12, output_tokens=319, reasoning_tokens=317)
    assert usage(said % (500, 829)) == Usage(input_tokens=12, output_tokens=817, reasoning_tokens=317)
    assert usage(said % (500, 512)) == Usage(input_tokens=12, output_tokens=500, reasoning_tokens=317)
    assert usage(said % (999_999_999, 12 + 999_999_999 + 317)) is None


@pytest.mark.parametrize("said", ['{"prompt_tokens":"10"}', '{"prompt_tokens":1.5}', "[]", '"much"'])
def test_symptom_a_whole_answer_was_thrown_away_for_the_form_of_its_usage(said: str) -> None:
    """The upstream had been paid for it, and was asked, and paid, once more."""
    answer = decode_answer(b'{"choices":[{"index":0}],"usage":%b}' % said.encode())
    assert answer is not None
    assert not has_no_choices(answer)
    assert answer.usage is not None
    assert usage_of(answer.usage) is None


@pytest.mark.parametrize("said", ["{}", '{"total_tokens":15}', '{"prompt_tokens":0,"completion_tokens":0}', '{"prompt_tokens":null}'])
def test_symptom_an_answer_whose_usage_counts_nothing_was_free(said: str) -> None:
    """Nobody counted, so it is for us to count: it was taken for a conversation of no tokens."""
    assert usage(said) is None


def test_symptom_counts_by_the_names_of_responses_were_not_seen() -> None:
    assert usage('{"input_tokens":10,"output_tokens":5}') == Usage(input_tokens=10, output_tokens=5)
    assert usage('{"prompt_tokens":3,"completion_tokens":2,"input_tokens":9,"output_tokens":9}') == Usage(input_tokens=3, output_tokens=2)


def test_imitators_may_leave_out_anything() -> None:
    assert usage('{"prompt_tokens":3}') == Usage(input_tokens=3)
    assert decode_answer(b"<html>") is None


@pytest.mark.parametrize(("choices", "empty"), [("[]", True), ("[ ]", True), ("null", True), ('[{"index":0}]', False)])
def test_an_answer_without_choices_is_empty(choices: str, empty: bool) -> None:
    answer = decode_answer(b'{"choices":%b}' % choices.encode())
    assert answer is not None
    assert has_no_choices(answer) is empty


def test_an_error_has_all_four_keys_and_the_request_id() -> None:
    response = encode_error(InvalidRequest("'n' is wrong.", param="n", code="invalid_value"), "req_1")
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {
        "error": {"message": "'n' is wrong. (request id: req_1)", "type": "invalid_request_error", "param": "n", "code": "invalid_value"}
    }


def test_official_clients_do_not_retry_when_the_money_is_gone() -> None:
    response = encode_error(BalanceExhausted(), "")
    assert response.status == 429
    assert response.headers.get(b"x-should-retry") == b"false"


def test_official_clients_retry_what_may_pass() -> None:
    limited = encode_error(RateExceeded("slow", dimension="requests", retry_after_s=1.2), "")
    assert (limited.headers.get(b"retry-after"), limited.headers.get(b"retry-after-ms")) == (b"2", b"1200")
    assert limited.headers.get(b"x-should-retry") is None
    assert encode_error(NoUpstream(), "").headers.get(b"x-should-retry") is None


def test_an_answer_is_given_the_callers_name_for_the_model() -> None:
    body = b'{"id":"c","model":"real", "choices":[{"message":{"content":"\\"model\\":\\"real\\""}}]}'
    assert rename_answer(body, "alias") == body.replace(b'"model":"real"', b'"model":"alias"')
    assert msgspec.json.decode(rename_answer(b'{"choices":[1]}', "alias")) == {"choices": [1], "model": "alias"}


@pytest.mark.parametrize("body", [b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"error":{"message":"\xff"}}', b"<html>"])
def test_whatever_an_upstream_sends_is_read_without_a_fault(body: bytes) -> None:
    decode_answer(body)
    assert decode_detail(body).message == ""
