"""Requests for embeddings, both ways."""

import msgspec

from modelgate.core.errors import InvalidRequest, UnknownPath
from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.embeddings import EmbeddingInput, EmbeddingsRequest
from modelgate.formats.gemini_content.address import BATCH_EMBED, DEFAULT_PATH, EMBED, parse_address, upstream_path
from modelgate.formats.gemini_content.casing import camel_case
from modelgate.formats.gemini_content.peek import say_invalid
from modelgate.formats.gemini_content.schema import as_list
from modelgate.formats.gemini_embeddings import NAME
from modelgate.formats.gemini_embeddings.schema import BatchEmbedContentsRequest, EmbedContentRequest
from modelgate.formats.json_fields import decode_fields

_one = msgspec.json.Decoder(EmbedContentRequest, strict=False)
_batch = msgspec.json.Decoder(BatchEmbedContentsRequest, strict=False)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_requests = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def is_batch(request: HttpRequest) -> bool:
    """Return whether several contents are asked for at once. Raises UnknownPath, InvalidRequest: see `parse_address`."""
    method = parse_address(request).method
    if method not in (EMBED, BATCH_EMBED):
        raise UnknownPath
    return method == BATCH_EMBED


def read_request(request: HttpRequest) -> list[EmbedContentRequest]:
    """Return what a request asks for, one entry for each vector.

    Raises:
        InvalidRequest: a field of the wrong type, or nothing to embed; `param` names it. UnknownPath: another method.
    """
    body = camel_case(request.body)
    if is_batch(request):
        return decode_fields(_batch, body, say=say_invalid).requests
    return [decode_fields(_one, body, say=say_invalid)]


def decode_request(request: HttpRequest) -> EmbeddingsRequest:
    """Return what a request asks for in neutral words.

    Raises:
        InvalidRequest: as `read_request`, or what cannot be said elsewhere: pictures, and requests of one batch that want different things.
        UnknownPath: another method.
    """
    asked = read_request(request)
    first = asked[0]
    for at, other in enumerate(asked):
        for name, before, now in (
            ("taskType", first.task_type, other.task_type),
            ("outputDimensionality", first.output_dimensionality, other.output_dimensionality),
        ):
            if before != now:
                param = f"requests[{at}].{name}"
                raise InvalidRequest(f"'{param}' must be the same in all requests of a batch.", param=param, code="unsupported_parameter")
    return EmbeddingsRequest(
        model=parse_address(request).model,
        inputs=tuple(_input(one, f"requests[{at}].content") for at, one in enumerate(asked)),
        dimensions=first.output_dimensionality,
        task_type=first.task_type or "",
    )


def texts_of(asked: list[EmbedContentRequest]) -> list[str]:
    """Return the words of a request."""
    return [part.text for one in asked for part in as_list(one.content.parts) if part.text]


def _input(asked: EmbedContentRequest, place: str) -> EmbeddingInput:
    parts = as_list(asked.content.parts)
    texts = [part.text for part in parts if part.text is not None]
    if not texts or len(texts) < len(parts):
        raise InvalidRequest(f"'{place}' must hold text parts only.", param=place, code="unsupported_parameter")
    return EmbeddingInput(text="\n".join(texts), title=asked.title or "")


def encode_request(asked: EmbeddingsRequest, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return what an upstream is sent: always a batch.

    Raises:
        InvalidRequest: an input in tokens, which are another vendor's; `param` is `inputs`.
    """
    name = upstream_model if upstream_model.startswith("tunedModels/") else f"models/{upstream_model.removeprefix('models/')}"
    requests: list[Json] = []
    for given in asked.inputs:
        if given.tokens:
            raise InvalidRequest("Gemini embeds text only, no tokens.", param="inputs", code="unsupported_parameter")
        said = {"taskType": asked.task_type, "title": given.title, "outputDimensionality": asked.dimensions}
        content = {"parts": [{"text": given.text}]}
        requests.append({"model": name, "content": content, **{key: value for key, value in said.items() if value}})
    path = upstream_path(quirks.paths.get(NAME, DEFAULT_PATH), model=upstream_model, method=BATCH_EMBED, query=(quirks.query,))
    ignored = ("user",) if asked.user else ()
    return UpstreamAsk(path=path, body=msgspec.json.encode({"requests": requests}), ignored=ignored)


def pass_request(request: HttpRequest, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request for an upstream of the same dialect: the name in path and body is the upstream's, all else the caller's.

    Raises:
        InvalidRequest: not JSON of the right shape. UnknownPath: another method.
    """
    address = parse_address(request)
    body = request.body
    if upstream_model != address.model:
        name = msgspec.Raw(msgspec.json.encode(f"models/{upstream_model.removeprefix('models/')}"))
        fields = decode_fields(_fields, body, say=say_invalid)
        if is_batch(request):
            inside = decode_fields(_requests, bytes(fields.get("requests", msgspec.Raw(b"[]"))), say=say_invalid)
            body = msgspec.json.encode({**fields, "requests": [{**one, "model": name} for one in inside]})
        else:
            body = msgspec.json.encode({**fields, "model": name})
    template = quirks.paths.get(NAME, DEFAULT_PATH.replace("v1beta", address.version))
    query = (*address.query, quirks.query)
    return UpstreamAsk(path=upstream_path(template, model=upstream_model, method=address.method, query=query), body=body)
