"""What path and query of a request say: version, model, method, and the shape of the stream."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote_plus, unquote_to_bytes

import msgspec

from modelgate.core.errors import InvalidRequest, UnknownPath
from modelgate.core.http import HttpRequest

MAX_MODEL_CHARACTERS = 256
REMEMBERED_ADDRESSES = 1024
MAX_REMEMBERED_CHARACTERS = 512
GENERATE = "generateContent"
STREAM = "streamGenerateContent"
COUNT = "countTokens"
EMBED = "embedContent"
BATCH_EMBED = "batchEmbedContents"

DEFAULT_PATH = "/v1beta/models/{model}"
_PATH = re.compile(r"/(v1(?:beta|alpha)?)/(models|tunedModels)/(.+)")
_SHAPES = ("", "json", "sse")
_WITHHELD = frozenset(("key", "access_token", "oauth_token", "fields", "$fields", "callback", "$callback", "alt", "$alt"))
"""Query parameters that never go on as they came: keys for this gateway, what would leave the counts out of the answer, and `alt`, which
is read here and said anew."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """`model` is the name without `models/` (tuned models keep their `tunedModels/`), `query` what may go on to an upstream."""

    version: str
    model: str
    method: str
    query: tuple[str, ...] = ()
    is_sse: bool = False

    @property
    def is_stream(self) -> bool:
        """Whether the method streams."""
        return self.method == STREAM


def parse_address(request: HttpRequest) -> Address:
    """Return what path and query say.

    Raises:
        UnknownPath: no path of a model's method. InvalidRequest: no name of a model, or an unknown `alt`.
    """
    path, query = request.path, request.query
    return (_remembered if len(path) + len(query) <= MAX_REMEMBERED_CHARACTERS else _parse)(path, query)


def _parse(path: str, query: str) -> Address:
    found = _PATH.fullmatch(path)
    if found is None:
        raise UnknownPath
    try:
        rest = unquote_to_bytes(found[3]).decode()
    except UnicodeDecodeError:
        raise InvalidRequest("The model's name in the path is not UTF-8.", param="model", code="invalid_value") from None
    model, colon, method = rest.rpartition(":")
    if not colon:
        raise UnknownPath
    if found[2] == "tunedModels":
        model = f"tunedModels/{model}"
    parameters = [(unquote_plus(pair.partition("=")[0]), pair) for pair in query.split("&") if pair]
    shape = next((unquote_plus(pair.partition("=")[2]) for name, pair in reversed(parameters) if name in ("alt", "$alt")), "")
    if shape not in _SHAPES:
        raise InvalidRequest("Invalid value at 'alt': it must be 'sse' or 'json'.", param="alt", code="invalid_value")
    return Address(
        version=found[1],
        model=check_model(model),
        method=method,
        query=tuple(pair for name, pair in parameters if name.lower() not in _WITHHELD),
        is_sse=shape == "sse",
    )


_remembered = lru_cache(REMEMBERED_ADDRESSES)(_parse)  # a pure function: callers ask for few models, over and over


def check_model(model: str) -> str:
    """Return a model's name without the `models/` before it. Raises InvalidRequest: it is no name."""
    name = model.removeprefix("models/")
    if not name or len(name) > MAX_MODEL_CHARACTERS or not name.isprintable():
        raise InvalidRequest("Invalid value at 'model': no name of a model.", param="model", code="invalid_value")
    return name


def upstream_path(template: str, *, model: str, method: str, query: tuple[str, ...] = (), is_sse: bool = False) -> str:
    """Return path and query below an upstream's base URL. `template` holds `{model}`."""
    path = f"{_model_path(template, model)}:{method}"
    parameters = [*(("alt=sse",) if is_sse else ()), *[part for part in query if part]]
    return f"{path}?{'&'.join(parameters)}" if parameters else path


@lru_cache(REMEMBERED_ADDRESSES)
def _model_path(template: str, model: str) -> str:
    if model.startswith("tunedModels/"):
        template = template.replace("/models/{model}", "/{model}")
    return template.replace("{model}", quote(model.removeprefix("models/"), safe="/-._~:@"))
