"""How clients spell base URLs, and which dialect a path speaks.

Clients append their endpoint to whatever base they were given: with `/v1` or without, with a slash at the end, with the whole endpoint
already in it. All of these mean the same path, `proper_path`.
"""

import re
from urllib.parse import unquote

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import operation_of

MAX_PATH_CHARACTERS = 2048

_TAILS = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages/count_tokens",
    "/messages",
    "/embeddings",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/images/generations",
    "/images/edits",
    "/images/variations",
    "/moderations",
    "/models",
)
"""Endpoints under /v1 that are found whatever stands before them, as long as it is base URL and nothing else."""

_BASE = r"(?:/v1beta|/v1|/openai|/anthropic" + "".join(f"|{re.escape(tail)}" for tail in _TAILS) + ")*"
_SPELLED = re.compile(rf"{_BASE}(?P<tail>{'|'.join(re.escape(tail) for tail in _TAILS)})(?P<rest>/.*)?\Z")
_GEMINI = re.compile(r"(?:/v1beta|/v1)*/(?P<version>v1beta|v1)/(?P<rest>(?:models|tunedModels)/.+:[A-Za-z]+)\Z")
_GEMINI_MODELS = re.compile(r"(?:/v1beta|/v1)*/v1beta/models(?P<rest>/.*)?\Z")
_WITH_REST = frozenset(("/models", "/responses"))
_GENERATE = (":generateContent", ":streamGenerateContent")
_VERBS = (*_GENERATE, ":countTokens", ":embedContent", ":batchEmbedContents")
"""What ends a path of Gemini's; a model's own name may hold a colon as well (`llama3:8b`)."""
_CONVERSATIONS = {
    "/v1/chat/completions": "openai_chat",
    "/v1/completions": "openai_completions",
    "/v1/responses": "openai_responses",
    "/v1/messages": "anthropic_messages",
}
_SINGLES = {
    "/v1/embeddings": "openai_embeddings",
    "/v1/moderations": "openai_moderations",
    "/v1/audio/speech": "openai_speech",
    "/v1/audio/transcriptions": "openai_transcriptions",
    "/v1/audio/translations": "openai_translations",
    "/v1/images/generations": "openai_images",
    "/v1/images/edits": "openai_image_edits",
    "/v1/images/variations": "openai_image_variations",
}

_GEMINI_USUAL = {
    "/v1beta/models/{model}:generateContent": "gemini_content",
    "/v1beta/models/{model}:embedContent": "gemini_embeddings",
}


def proper_path(path: str) -> str:
    """Return the one spelling under which an endpoint is served; a path that is none of them comes back without its last slash."""
    path = path.rstrip("/") if len(path) <= MAX_PATH_CHARACTERS else path
    if path in _CONVERSATIONS or len(path) > MAX_PATH_CHARACTERS:
        return path
    plain = unquote(path) if "%3" in path or "%2" in path else path
    if found := _GEMINI.match(plain):
        return f"/{found['version']}/{found['rest']}"
    if found := _GEMINI_MODELS.match(plain):
        return f"/v1beta/models{found['rest'] or ''}"
    found = _SPELLED.match(path)
    if found is None or (found["rest"] and found["tail"] not in _WITH_REST):
        return path
    return f"/v1{found['tail']}{found['rest'] or ''}"


def usual_format(path: str) -> str:
    """Return the dialect of a conversation's endpoint in its usual spelling; empty for all else, which takes a longer look."""
    found = _CONVERSATIONS.get(path)
    if found is not None:
        return found
    if path.startswith("/v1beta/models/") and path.endswith(_GENERATE) and "%" not in path and len(path) <= MAX_PATH_CHARACTERS:
        return "gemini_content"
    return ""


def format_of(path: str) -> str:
    """Return the dialect of an endpoint that relays answer, a conversation's or a single call's, by its proper path; empty for others."""
    if path.startswith(("/v1beta/", "/v1/models/", "/v1/tunedModels/")):
        if path.endswith(_GENERATE):
            return "gemini_content"
        return "gemini_embeddings" if path.endswith((":embedContent", ":batchEmbedContents")) else ""
    return _CONVERSATIONS.get(path) or _SINGLES.get(path, "")


def paths_of(operation: str) -> tuple[str, ...]:
    """Return the usual paths at which relays are asked for an operation; none for one that is done by tasks."""
    served = {**_CONVERSATIONS, **_SINGLES, **_GEMINI_USUAL}
    return tuple(path for path, name in served.items() if operation_of(name) == operation)


def count_of(path: str) -> str:
    """Return the dialect in which a path counts tokens, empty when it does not."""
    if path == "/v1/messages/count_tokens":
        return "anthropic_messages"
    is_gemini = path.startswith(("/v1beta/", "/v1/models/", "/v1/tunedModels/")) and path.endswith(":countTokens")
    return "gemini_content" if is_gemini else ""


def dialect_of(path: str, headers: HeaderBlock, query: str) -> str:
    """Return the dialect in which a client that asks for a path wants to be answered, errors included."""
    if path.startswith("/v1beta/") or (path.startswith(("/v1/models/", "/v1/tunedModels/")) and path.endswith(_VERBS)):
        return "gemini_content"
    if path.startswith("/v1/messages"):
        return "anthropic_messages"
    if path.startswith("/v1/models"):
        if headers.get(b"anthropic-version") is not None:
            return "anthropic_messages"
        if headers.get(b"x-goog-api-key") is not None or query.startswith("key=") or "&key=" in query:
            return "gemini_content"
    return _CONVERSATIONS.get(path, "openai_chat")
