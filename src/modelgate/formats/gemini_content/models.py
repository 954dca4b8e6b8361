"""The list of models in Gemini's shape (GET /v1beta/models), in pages, and one of them."""

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta

from modelgate.core.errors import InvalidRequest

DEFAULT_PAGE = 50
MAX_PAGE = 1000
MAX_TOKEN_CHARACTERS = 1024
VERSION = "001"
CHAT_METHODS = ("generateContent", "streamGenerateContent", "countTokens")
EMBEDDING_METHODS = ("embedContent", "batchEmbedContents")


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One model under the caller's name for it; limits in tokens, None where nobody knows. `methods` are those of its family."""

    name: str
    description: str = ""
    input_limit: int | None = None
    output_limit: int | None = None
    methods: tuple[str, ...] = CHAT_METHODS


class Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One model as it is told."""

    name: Annotated[str, Meta(description="`models/` and the name to call it by.", examples=["models/gemini-2.5-flash"])]
    version: Annotated[str, Meta(description="Always `001`.")]
    display_name: Annotated[str, Meta(description="The name to call it by.", examples=["gemini-2.5-flash"])]
    supported_generation_methods: Annotated[
        tuple[str, ...], Meta(description="What may be put after the colon.", examples=[["generateContent", "countTokens"]])
    ]
    description: Annotated[str | None, Meta(description="What it is good for, where that is known.")] = None
    input_token_limit: Annotated[int | None, Meta(description="Tokens it reads at most, where that is known.", examples=[1048576])] = None
    output_token_limit: Annotated[int | None, Meta(description="Tokens it writes at most, where that is known.", examples=[65536])] = None


class ModelPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A page of models; `next_page_token` asks for what follows."""

    models: Annotated[list[Model], Meta(description="The models this key may use, by name.")]
    next_page_token: Annotated[str | None, Meta(description="Give it as `pageToken` for what follows; missing on the last page.")] = None


def _told(row: ModelRow) -> Model:
    return Model(
        name=f"models/{row.name}",
        version=VERSION,
        display_name=row.name,
        supported_generation_methods=row.methods,
        description=row.description or None,
        input_token_limit=row.input_limit,
        output_token_limit=row.output_limit,
    )


def encode_model(row: ModelRow) -> bytes:
    """Return one model."""
    return msgspec.json.encode(_told(row))


def encode_models(rows: Iterable[ModelRow], query: str) -> bytes:
    """Return the page of models that a query asks for, in the order of their names.

    Raises:
        InvalidRequest: a `pageSize` that is no number, or a `pageToken` that was not made here.
    """
    asked = parse_qs(query, max_num_fields=64) if query.count("&") < 64 else {}
    size = _size(next(iter(asked.get("pageSize") or asked.get("page_size") or []), ""))
    after = _name_of(next(iter(asked.get("pageToken") or asked.get("page_token") or []), ""))
    left = sorted((row for row in rows if row.name > after), key=lambda row: row.name)
    page = left[:size]
    token = base64.urlsafe_b64encode(page[-1].name.encode()).decode() if len(left) > size else None
    return msgspec.json.encode(ModelPage(models=[_told(row) for row in page], next_page_token=token))


def _size(said: str) -> int:
    if not said:
        return DEFAULT_PAGE
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise InvalidRequest("Invalid value at 'page_size': a number is expected.", param="pageSize", code="invalid_value")
    return min(int(said), MAX_PAGE) or DEFAULT_PAGE


def _name_of(token: str) -> str:
    if not token:
        return ""
    try:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise ValueError
        return base64.b64decode(token, b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidRequest("Invalid value at 'page_token': it was not made here.", param="pageToken", code="invalid_value") from None
