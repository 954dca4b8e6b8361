import pytest

from modelgate.core.http import HeaderBlock
from modelgate.gateway.paths import dialect_of, format_of, proper_path, usual_format

GEMINI = "/v1beta/models/gemini-2.5-flash:generateContent"


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/models", "/v1/models"),
        ("/v1/chat/completions/embeddings", "/v1/embeddings"),
        ("/completions", "/v1/completions"),
        ("/responses/resp_1/cancel", "/v1/responses/resp_1/cancel"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/v1/messages/v1/messages", "/v1/messages"),
        ("/v1/messages/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/anthropic/v1/messages", "/v1/messages"),
        ("/models", "/v1/models"),
        ("/models/openrouter/auto:free", "/v1/models/openrouter/auto:free"),
        (GEMINI, GEMINI),
        ("/v1beta" + GEMINI, GEMINI),
        ("/v1" + GEMINI, GEMINI),
        ("/v1beta/models/gemini-2.5-flash%3AgenerateContent", GEMINI),
        ("/v1/models/gemini-2.5-flash:streamGenerateContent", "/v1/models/gemini-2.5-flash:streamGenerateContent"),
        ("/v1beta/models", "/v1beta/models"),
        ("/v1beta/v1beta/models/gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash"),
        # Not ours to bend: media families, pages, and what only looks alike.
        ("/kling/v1/images/generations", "/kling/v1/images/generations"),
        ("/docs/chat/completions", "/docs/chat/completions"),
        ("/v1/chat/completions/extra", "/v1/chat/completions/extra"),
        ("/v1/tasks/task_1", "/v1/tasks/task_1"),
        ("/", ""),
        ("/" + "v1/" * 2000, "/" + "v1/" * 2000),
    ],
)
def test_however_a_base_url_is_spelled_the_endpoint_is_found(spelled: str, meant: str) -> None:
    assert proper_path(spelled) == meant


def test_a_path_tells_its_dialect() -> None:
    assert format_of("/v1/messages") == "anthropic_messages"
    assert format_of("/v1/messages/count_tokens") == ""
    assert format_of(GEMINI) == "gemini_content"
    assert format_of(GEMINI.replace("generateContent", "countTokens")) == ""
    assert format_of("/v1/models/x:streamGenerateContent") == "gemini_content"
    assert format_of("/v1/models/openrouter/auto:free") == ""
    assert format_of("/v1beta/models/g:batchEmbedContents") == "gemini_embeddings"
    assert format_of("/v1/embeddings") == "openai_embeddings"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages",
        GEMINI,
        "/v1beta/models/x:streamGenerateContent",
        "/v1beta" + GEMINI,
        "/v1/models/x:generateContent",
        GEMINI.replace(":", "%3A"),
        GEMINI + "/",
        "/v1beta/models/a%2Fb:generateContent",
        "/v1beta/models/v1beta/models/x:generateContent",
        "/v1beta/models/" + "x" * 3000 + ":generateContent",
        "/v1beta/models/x:countTokens",
    ],
)
def test_the_short_look_never_differs_from_the_long_one(path: str) -> None:
    if found := usual_format(path):
        assert (proper_path(path), format_of(path)) == (path, found)


def test_the_usual_endpoints_take_the_short_look() -> None:
    assert [usual_format(path) for path in ("/v1/messages", GEMINI)] == ["anthropic_messages", "gemini_content"]


@pytest.mark.parametrize(
    ("path", "headers", "query", "dialect"),
    [
        ("/v1/models", (), "", "openai_chat"),
        ("/v1/models", (("x-api-key", "k"), ("anthropic-version", "2023-06-01")), "", "anthropic_messages"),
        # The newest official client sends its key as a bearer.
        ("/v1/models", (("authorization", "Bearer k"), ("anthropic-version", "2026-10-21")), "", "anthropic_messages"),
        ("/v1/models", (("x-api-key", "k"),), "", "openai_chat"),
        ("/v1/models", (("x-goog-api-key", "k"),), "", "gemini_content"),
        ("/v1/models", (), "pageSize=3&key=k", "gemini_content"),
        ("/v1beta/models", (), "", "gemini_content"),
        # A colon in a model's name is none of Gemini's.
        ("/v1/models/openrouter/auto:free", (), "", "openai_chat"),
        ("/v1/models/llama3:8b", (("anthropic-version", "2023-06-01"),), "", "anthropic_messages"),
        ("/v1/models/llama3:8b", (("x-goog-api-key", "k"),), "", "gemini_content"),
        ("/v1/models/llama3:8b:countTokens", (), "", "gemini_content"),
        ("/v1/messages/count_tokens", (), "", "anthropic_messages"),
        ("/v1/responses", (), "", "openai_responses"),
        ("/nowhere", (), "", "openai_chat"),
    ],
)
def test_errors_are_told_in_the_dialect_of_the_path_and_of_the_credentials(
    path: str, headers: tuple[tuple[str, str], ...], query: str, dialect: str
) -> None:
    assert dialect_of(path, HeaderBlock.of(*headers), query) == dialect
