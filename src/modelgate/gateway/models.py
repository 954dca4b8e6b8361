"""The models a key may use, in the shape of whoever asks: OpenAI's, Anthropic's or Gemini's; the list, or one of them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import unquote

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.errors import ModelgateError, NoUpstream
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.providers import CHAT
from modelgate.formats.anthropic_messages import models as anthropic_models
from modelgate.formats.chat.wire_format import WireFormat
from modelgate.formats.gemini_content import models as gemini_models
from modelgate.formats.openai_chat.schema import Model, ModelList
from modelgate.gateway.callers import authenticate
from modelgate.gateway.configuration import Configuration, no_such_model
from modelgate.gateway.paths import dialect_of
from modelgate.identity.keys import may_use
from modelgate.identity.table import Caller, KeyTable
from modelgate.metering.prices import PriceEntry

PREFIX = "/v1/models"
GEMINI_PREFIX = "/v1beta/models"


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One model on offer. `serves`: the operations it can be asked for. `entry`: what the price list knows of it."""

    name: str
    owner: str
    serves: frozenset[str]
    entry: PriceEntry | None

    @property
    def created_at(self) -> int:
        """When it entered the price list, unix seconds; 0 where the operator priced it."""
        if self.entry is None or not self.entry.listed:
            return 0
        return int(datetime.strptime(self.entry.listed[:7], "%Y-%m").replace(tzinfo=UTC).timestamp())


class ModelsGateway:
    """Lists the models that have both a route and a price for the caller."""

    def __init__(
        self,
        *,
        keys: KeyTable,
        configuration: Callable[[], Configuration | None],
        operations: tuple[str, ...],
        wire_formats: Mapping[str, WireFormat],
        clock: Clock,
    ) -> None:
        """`operations` are those whose models are listed."""
        self._keys = keys
        self._configuration = configuration
        self._operations = operations
        self._wire_formats = wire_formats
        self._clock = clock

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer the list, or one model of it."""
        dialect = dialect_of(request.path, request.headers, request.query)
        wire_format = self._wire_formats[dialect]
        lines = [("content-type", "application/json")]
        if wire_format.request_id_header:
            lines.append((wire_format.request_id_header.decode(), request.id))
        try:
            caller = await authenticate(request, keys=self._keys, clock=self._clock)
            models = self._models(caller)
            prefix = GEMINI_PREFIX if request.path.startswith(GEMINI_PREFIX) else PREFIX
            name = unquote(request.path.removeprefix(prefix).strip("/"))
            body = _ENCODERS[dialect](models, name, request.query)
        except ModelgateError as error:
            return wire_format.encode_error(error, request.id)
        return HttpResponse(status=200, headers=HeaderBlock.of(*lines), body=body)

    def _models(self, caller: Caller) -> list[Listed]:
        configuration = self._configuration()
        if configuration is None:
            raise NoUpstream("The gateway is starting. Try again shortly.", retry_after_s=1.0)
        key = caller.key
        owners: dict[str, str] = {}
        serves: dict[str, set[str]] = {}
        for operation in self._operations:
            for name in configuration.routes.models(book=key.book, operation=operation):
                route = configuration.routes.find(book=key.book, operation=operation, model=name)[0]
                is_priced = configuration.prices.find(name, group=key.group, free=route.upstream.free) is not None
                if is_priced and may_use(key, name):
                    owners[name] = route.upstream.provider
                    serves.setdefault(name, set()).add(operation)
        return [
            Listed(name=name, owner=owner, serves=frozenset(serves[name]), entry=configuration.prices.entry(name, provider=owner))
            for name, owner in sorted(owners.items())
        ]


def _encode_openai(models: list[Listed], name: str, query: str) -> bytes:
    del query
    told = [Model(id=model.name, created=model.created_at, owned_by=model.owner) for model in models]
    if not name:
        return msgspec.json.encode(ModelList(data=told))
    return msgspec.json.encode(_one(told, name, [model.id for model in told]))


def _encode_anthropic(models: list[Listed], name: str, query: str) -> bytes:
    rows = [
        anthropic_models.ModelRow(
            id=model.name,
            created_at=model.created_at,
            max_input_tokens=model.entry.context or None if model.entry is not None else None,
            max_tokens=model.entry.max_output_tokens if model.entry is not None else None,
        )
        for model in models
        if CHAT in model.serves
    ]
    if not name:
        return anthropic_models.encode_models(rows, anthropic_models.parse_page(query))
    return anthropic_models.encode_model(_one(rows, name, [row.id for row in rows]))


def _encode_gemini(models: list[Listed], name: str, query: str) -> bytes:
    rows = [
        gemini_models.ModelRow(
            name=model.name,
            input_limit=model.entry.context or None if model.entry is not None else None,
            output_limit=model.entry.max_output_tokens if model.entry is not None else None,
            methods=gemini_models.CHAT_METHODS if CHAT in model.serves else gemini_models.EMBEDDING_METHODS,
        )
        for model in models
        if model.serves & {CHAT, "embeddings"}
    ]
    if not name:
        return gemini_models.encode_models(rows, query)
    return gemini_models.encode_model(_one(rows, name, [row.name for row in rows]))


_ENCODERS: Mapping[str, Callable[[list[Listed], str, str], bytes]] = {
    "openai_chat": _encode_openai,
    "anthropic_messages": _encode_anthropic,
    "gemini_content": _encode_gemini,
}


RowT = TypeVar("RowT")


def _one(rows: list[RowT], name: str, names: list[str]) -> RowT:
    if name not in names:
        raise no_such_model(name)
    return rows[names.index(name)]
