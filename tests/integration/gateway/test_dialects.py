"""docs/dialects.md, row by row, against a running server: what is left out and named, and what is refused with which error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.dialects.ask import Ask, Json, Told, Tool, User
from tests.integration.gateway.dialects.models import PLAIN
from tests.integration.gateway.dialects.talk import DIALECTS, Talk

DOCS = Path(__file__).parents[3] / "docs" / "dialects.md"
CLIENTS = {
    "OpenAI chat": "openai_chat",
    "OpenAI responses": "openai_responses",
    "Anthropic": "anthropic_messages",
    "Gemini": "gemini_content",
}
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
FUNCTION = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}})

Change = dict[str, Json]


def rows_below(heading: str) -> list[list[str]]:
    table = DOCS.read_text().partition(heading)[2].partition("| client |" if "left" in heading else "| what |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


class Refusal(NamedTuple):
    what: str
    client: str
    vendor: str
    field: str
    code: str


REFUSALS = [
    Refusal(what, CLIENTS[client], vendor.strip().lower(), field, code)
    for what, client, vendors, field, code in rows_below("## What is refused")
    for vendor in vendors.split(",")
]
LEFT_OUT = [(CLIENTS[client], vendor.lower(), fields) for client, vendor, fields in rows_below("## What is left out")]


def _chat_part(part: Json) -> Change:
    return {"messages": [{"role": "user", "content": [part]}]}


def _config(**fields: Json) -> Change:
    return {"generationConfig": fields}


WORDS: dict[tuple[str, str], Change] = {
    ("several answers", "openai_chat"): {"n": 2},
    ("several answers", "gemini_content"): _config(candidateCount=2),
    ("several answers in a stream", "openai_chat"): {"n": 2, "stream": True},
    ("probabilities", "openai_chat"): {"logprobs": True},
    ("probabilities", "openai_responses"): {"include": ["message.output_text.logprobs"]},
    ("probabilities", "gemini_content"): _config(responseLogprobs=True),
    ("an answer in sound", "openai_chat"): {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    ("an answer in sound", "gemini_content"): _config(responseModalities=["AUDIO"]),
    ("an answer in pictures", "openai_chat"): {"modalities": ["text", "image"]},
    ("an answer in pictures", "gemini_content"): _config(responseModalities=["TEXT", "IMAGE"]),
    ("sound in the conversation", "openai_chat"): _chat_part({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}),
    ("sound in the conversation", "gemini_content"): {
        "contents": [{"role": "user", "parts": [{"inlineData": {"data": WAV, "mimeType": "audio/wav"}}]}]
    },
    ("tools that take plain text", "openai_chat"): {"tools": [{"type": "custom", "custom": {"name": "c"}}]},
    ("tools that take plain text", "openai_responses"): {"tools": [{"type": "custom", "name": "c"}]},
    ("tools that a vendor runs, but for its web search", "openai_responses"): {"tools": [{"type": "code_interpreter", "container": "c"}]},
    ("tools that a vendor runs, but for its web search", "anthropic_messages"): {
        "tools": [{"type": "code_execution_20250522", "name": "code_execution"}]
    },
    ("tools that a vendor runs, but for its web search", "gemini_content"): {"tools": [{"codeExecution": {}}]},
    ("servers of tools that the vendor calls", "anthropic_messages"): {
        "mcp_servers": [{"type": "url", "url": "https://a.example", "name": "a"}]
    },
    ("files kept by a vendor", "openai_chat"): _chat_part({"type": "file", "file": {"file_id": "file-1"}}),
    ("files kept by a vendor", "openai_responses"): {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
    ("files kept by a vendor", "anthropic_messages"): _chat_part({"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
    ("files kept by a vendor", "gemini_content"): {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a", "mimeType": "application/pdf"}}
                ],
            }
        ]
    },
    ("prompts kept by a vendor", "openai_responses"): {"prompt": {"id": "pmpt_1"}},
    ("prompts kept by a vendor", "gemini_content"): {"cachedContent": "cachedContents/1"},
    ("an answer kept by another vendor", "openai_responses"): {"previous_response_id": "kept"},
    ("an answer that nobody kept", "openai_responses"): {"previous_response_id": "resp_1"},
    ("an answer in the background", "openai_responses"): {"background": True},
    ("an answer out of a list of words", "gemini_content"): _config(
        responseMimeType="text/x.enum", responseSchema={"type": "STRING", "enum": ["a"]}
    ),
}
"""How each client says what the page's rows are about."""

HINTS: dict[str, Change] = {
    "openai_chat": {
        "seed": 1,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "logit_bias": {"1": 1},
        "user": "u",
        "metadata": {"a": "b"},
        "verbosity": "low",
        "service_tier": "auto",
        "prompt_cache_key": "k",
        "prediction": {"type": "content", "content": "x"},
        "parallel_tool_calls": False,
        "temperature": 0.3,
        "top_p": 0.9,
    },
    "openai_responses": {
        "user": "u",
        "metadata": {"a": "b"},
        "text": {"verbosity": "low"},
        "service_tier": "auto",
        "prompt_cache_key": "k",
        "temperature": 0.3,
        "top_p": 0.9,
        "parallel_tool_calls": False,
        "truncation": "auto",
        "max_tool_calls": 3,
    },
    "anthropic_messages": {
        "top_k": 3,
        "temperature": 0.3,
        "top_p": 0.9,
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "context_management": {"edits": []},
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    },
    "gemini_content": {
        "generationConfig": {
            "topK": 3,
            "seed": 1,
            "presencePenalty": 0.5,
            "frequencyPenalty": 0.5,
            "temperature": 0.3,
            "topP": 0.9,
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
        },
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "labels": {"a": "b"},
    },
}


def send(installation: Installation, dialect: str, vendor: str, change: Change, *, tools: tuple[Tool, ...] = ()) -> Told:
    mode = "stream" if change.get("stream") else "whole"
    talk = Talk(installation.base_url, installation.test_key, dialect=DIALECTS[dialect], model=PLAIN[vendor], mode=mode)
    body = talk.dialect.body(Ask(turns=(User("hi"),), tools=tools), model=talk.model, mode=mode)
    try:
        return talk.send({**body, **change})
    finally:
        talk.close()


def test_every_row_has_its_words_and_all_words_their_row() -> None:
    assert {(row.what, row.client) for row in REFUSALS} == set(WORDS)
    assert {(client, vendor) for client, vendor, _ in LEFT_OUT} == {
        (client, vendor) for client in CLIENTS.values() for vendor in PLAIN if not client.startswith(vendor)
    }


def openai_error(told: Told, row: Refusal) -> None:
    assert (told.error["code"], told.error["param"]) == (row.code, None if row.field == "-" else row.field)
    assert told.error["type"] == "invalid_request_error"


def anthropic_error(told: Told, row: Refusal) -> None:
    assert told.error["type"] == "invalid_request_error"
    assert row.field in told.error["message"]


def gemini_error(told: Told, row: Refusal) -> None:
    assert (told.error["code"], told.error["status"]) == (400, "INVALID_ARGUMENT")
    reason, violated = told.error["details"]
    assert reason["reason"] == row.code.upper()
    assert [violation["field"] for violation in violated["fieldViolations"]] == [row.field]


CHECKS: dict[str, Callable[[Told, Refusal], None]] = {
    "openai_chat": openai_error,
    "openai_responses": openai_error,
    "anthropic_messages": anthropic_error,
    "gemini_content": gemini_error,
}


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: f"{row.what}-{row.client}-{row.vendor}")
def test_refused(installation: Installation, row: Refusal) -> None:
    change: Any = WORDS[row.what, row.client]
    if change == {"previous_response_id": "kept"}:
        with openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=installation.test_key, max_retries=0) as client:
            change = {"previous_response_id": client.responses.create(model=PLAIN["openai"], input="Say: hi").id}
    told = send(installation, row.client, row.vendor, change)
    assert told.status == 400, told
    CHECKS[row.client](told, row)


@pytest.mark.parametrize(("client", "vendor", "fields"), LEFT_OUT)
def test_left_out(installation: Installation, client: str, vendor: str, fields: str) -> None:
    told = send(installation, client, vendor, {**HINTS[client], "unheard": 1}, tools=(FUNCTION,))
    assert told.status == 200, told
    expected = {field.partition(" (")[0].strip() for field in fields.split(",")}
    assert set(told.headers["modelgate-ignored"].split(", ")) == {*expected, "unheard"}
