"""GET /v1/models and GET /v1/models/{model}: what this key may use, in the OpenAI shape."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.errors import ModelgateError, NoUpstream
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.schema import Model, ModelList
from modelgate.gateway.callers import authenticate
from modelgate.gateway.configuration import Configuration, no_such_model
from modelgate.identity.table import Caller, KeyTable

PREFIX = "/v1/models"


class ModelsGateway:
    """Lists the models that have both a route and a price for the caller."""

    def __init__(
        self, *, keys: KeyTable, configuration: Callable[[], Configuration | None], operations: tuple[str, ...], clock: Clock
    ) -> None:
        """`operations` are the wire formats and media operations whose models are listed."""
        self._keys = keys
        self._configuration = configuration
        self._operations = operations
        self._clock = clock

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer the list, or one model of it."""
        try:
            caller = await authenticate(request, keys=self._keys, clock=self._clock)
            models = self._models(caller)
            name = unquote(request.path.removeprefix(PREFIX).strip("/"))
            body = msgspec.json.encode(_one(models, name) if name else ModelList(data=models))
        except ModelgateError as error:
            return encode_error(error, request.id)
        return HttpResponse(status=200, headers=HeaderBlock.of(("content-type", "application/json")), body=body)

    def _models(self, caller: Caller) -> list[Model]:
        configuration = self._configuration()
        if configuration is None:
            raise NoUpstream("The gateway is starting. Try again shortly.", retry_after_s=1.0)
        key = caller.key
        owners: dict[str, str] = {}
        for operation in self._operations:
            for name in configuration.routes.models(book=key.book, operation=operation):
                route = configuration.routes.find(book=key.book, operation=operation, model=name)[0]
                is_priced = configuration.prices.find(name, group=key.group, free=route.upstream.free) is not None
                if is_priced and (not key.models or name in key.models):
                    owners[name] = route.upstream.provider
        return [Model(id=name, created=_listed_at(configuration, name), owned_by=owner) for name, owner in sorted(owners.items())]


def _one(models: list[Model], name: str) -> Model:
    for model in models:
        if model.id == name:
            return model
    raise no_such_model(name)


def _listed_at(configuration: Configuration, name: str) -> int:
    """Return when the model entered the price list, unix seconds; 0 where the operator priced it."""
    entry = configuration.prices.entry(name)
    if entry is None or not entry.listed:
        return 0
    return int(datetime.strptime(entry.listed[:7], "%Y-%m").replace(tzinfo=UTC).timestamp())
