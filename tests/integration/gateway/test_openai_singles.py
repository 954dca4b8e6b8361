"""The official OpenAI client through a running gateway: calls that are no conversation; and words counted where no upstream counted."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.integration.gateway.conftest import Installation, record_of


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    house = Installation(tmp_path_factory.mktemp("singles") / "data")
    yield house
    house.stop()


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0, timeout=60) as made:
        yield made


@pytest.mark.parametrize("encoding", ["float", openai.NOT_GIVEN])
def test_embeddings_in_either_encoding(client: openai.OpenAI, encoding: Any) -> None:
    answer = client.embeddings.create(model="text-embedding-3-small", input=["a red kite", "a red kite at sea"], encoding_format=encoding)
    assert [row.index for row in answer.data] == [0, 1]
    assert all(len(row.embedding) == 1536 for row in answer.data)
    assert answer.usage.prompt_tokens > 0


def test_an_empty_input_is_a_bad_request_that_names_the_field(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="text-embedding-3-small", input="")
    assert refused.value.param == "input"


def test_moderation_judges_and_costs_nothing(client: openai.OpenAI, installation: Installation) -> None:
    raw = client.moderations.with_raw_response.create(model="omni-moderation-latest", input="I will kill you")
    assert raw.parse().results[0].flagged
    assert record_of(installation, raw.headers["x-request-id"])["amount_nanos"] == 0


def test_words_are_counted_by_the_real_tokenizer_where_the_upstream_did_not_count(
    client: openai.OpenAI, installation: Installation
) -> None:
    """4.5 tokens a word by size; the tokenizer knows better, and the record says that it is an estimate."""
    text = "internationalization " * 40
    told = {}
    for word, expected in (("", False), ("\nmagic: no-usage", True)):
        raw = client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "say " + text + word}]
        )
        record = record_of(installation, raw.headers["x-request-id"])
        assert bool(record["estimated"]) == expected
        told[expected] = record
    counted, estimated = told[False], told[True]
    assert abs(estimated["output_tokens"] - counted["output_tokens"]) <= 2
    assert abs(estimated["input_tokens"] - counted["input_tokens"]) <= 10


def test_nobody_outside_may_have_words_counted(installation: Installation) -> None:
    host, port = installation.base_url.removeprefix("http://").split(":")
    for path in ("/internal/tokens", "/%69nternal/tokens", "/internal/tokens/", "//internal/tokens"):
        with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
            connection.request("POST", path, body=json.dumps(["a"]))
            assert connection.getresponse().status == 404


def test_the_desks_log_is_clean(installation: Installation) -> None:
    assert "fault" not in Path(installation.log.name).read_text()
