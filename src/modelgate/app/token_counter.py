"""The desk's side of counting tokens for relays. The tokenizer is built when it is first needed, and counts in a thread."""

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from modelgate.core.errors import InvalidRequest, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.gateway.token_counting import decode_texts, encode_counts

if TYPE_CHECKING:
    from modelgate.sandbox.tokens import Tokenizer

_JSON = HeaderBlock(b"content-type: application/json\r\n")


async def count_tokens(request: HttpRequest) -> HttpResponse:
    """Answer a relay's question. Raises UnknownPath: it came through a relay, from a client."""
    if request.client:
        raise UnknownPath
    try:
        texts = decode_texts(request.body)
    except msgspec.DecodeError:
        raise InvalidRequest("A list of texts is counted here.") from None
    counts = await asyncio.get_running_loop().run_in_executor(None, _counted, texts)
    return HttpResponse(status=200, headers=_JSON, body=encode_counts(counts))


def _counted(texts: list[str]) -> list[int]:
    tokenizer = _tokenizer()
    return [tokenizer.count(text) for text in texts]


@lru_cache(maxsize=1)
def _tokenizer() -> "Tokenizer":
    # Imported for the first question, as its table is read: 2 MB of the desk.
    from modelgate.sandbox.tokens import Tokenizer  # noqa: PLC0415

    return Tokenizer()
