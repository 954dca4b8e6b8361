"""The endpoint table: every family's declarations, joined. Routing, documentation and conformance tests read it."""

from collections.abc import Iterable

from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import Overloaded, UnknownPath
from modelgate.formats.media.family import MediaFamily
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.gateway.callbacks import CALLBACK_ENDPOINTS
from modelgate.gateway.endpoints_audio import AUDIO_ENDPOINTS
from modelgate.gateway.endpoints_chat import CHAT_ENDPOINTS
from modelgate.gateway.endpoints_completions import COMPLETIONS_ENDPOINTS
from modelgate.gateway.endpoints_gemini import GEMINI_ENDPOINTS, MODELS_ENDPOINTS
from modelgate.gateway.endpoints_images import IMAGE_ENDPOINTS
from modelgate.gateway.endpoints_messages import MESSAGE_ENDPOINTS
from modelgate.gateway.endpoints_more import MORE_ENDPOINTS
from modelgate.gateway.endpoints_responses import RESPONSES_ENDPOINTS, STORED_RESPONSES_ENDPOINTS
from modelgate.gateway.files import FileExpired
from modelgate.gateway.parameters import FileHeaders, FileQuery, with_headers
from modelgate.gateway.webhooks import WEBHOOK_ENDPOINTS

FILE_ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/files/{file}",
        name="get_file",
        family="files",
        home="desk",
        summary="A result file",
        description=(
            "The address comes signed out of a finished task, with `expires` and `signature` in its query; no key is needed. "
            "`Range`, `If-None-Match` and `HEAD` are understood."
        ),
        response=None,
        error=ErrorAnswer,
        query=FileQuery,
        headers=FileHeaders,
        errors=(UnknownPath, FileExpired, Overloaded),
        content_type="application/octet-stream",
        needs_key=False,
        cases=(
            Case(
                name="download",
                title="Download a picture",
                prose="Take the address as it stands in the task's answer.",
                path_values={"file": "task_4fK2mQpX7cVbN1sLr8YwZd-0.png"},
                query={"expires": "1803526324", "signature": "b3Vyc2lnbmF0dXJl"},
            ),
        ),
    ),
)


def endpoint_table(families: Iterable[MediaFamily]) -> tuple[Endpoint, ...]:
    """Return every endpoint of this gateway.

    Raises:
        ValueError: two of them share a method and path, or a name.
    """
    media = tuple(route.endpoint for family in families for route in family.routes)
    table = tuple(
        with_headers(endpoint)
        for endpoint in (
            *CHAT_ENDPOINTS,
            *RESPONSES_ENDPOINTS,
            *STORED_RESPONSES_ENDPOINTS,
            *COMPLETIONS_ENDPOINTS,
            *MESSAGE_ENDPOINTS,
            *GEMINI_ENDPOINTS,
            *MODELS_ENDPOINTS,
            *MORE_ENDPOINTS,
            *IMAGE_ENDPOINTS,
            *AUDIO_ENDPOINTS,
            *media,
            *WEBHOOK_ENDPOINTS,
            *CALLBACK_ENDPOINTS,
            *FILE_ENDPOINTS,
        )
    )
    if len({(endpoint.method, endpoint.path) for endpoint in table}) < len(table) or len({e.name for e in table}) < len(table):
        raise ValueError("two endpoints share a path or a name")
    return table
