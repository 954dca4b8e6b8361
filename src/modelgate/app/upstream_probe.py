"""A real call to an upstream, to tell whether address and key are good. It costs nothing at the vendor."""

import time
from typing import Any
from urllib.parse import urlsplit

import msgspec

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import Provider, UpstreamCall, VendorState, joined
from modelgate.core.records import Credential, Upstream
from modelgate.core.upstreams import Verdict
from modelgate.gateway.attempts import with_query
from modelgate.transport.client import Transport
from modelgate.transport.errors import TransportError
from modelgate.transport.target import Target, Timeouts, target_of

PROBE_TIMEOUTS = Timeouts(connect_s=10.0, head_s=30.0, idle_s=30.0)
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_NAMED_MODELS = 5
PROBE_TASK = "modelgate-probe"
"""A job that no vendor knows: asking for it shows whether the key is taken, and starts nothing."""


async def probe_upstream(
    transport: Transport, upstream: Upstream, provider: Provider, *, proxy: str = "", ca_file: str = ""
) -> tuple[Verdict, ...]:
    """Try every credential of an upstream, one after the other; `ca_file` names authorities trusted if it names none itself."""
    try:
        target = target_of(upstream.base_url, socket=upstream.socket, ca_file=upstream.ca_file or ca_file, proxy=proxy)
    except ValueError as error:
        return tuple(Verdict(credential=one.id, ok=False, text=str(error)) for one in upstream.credentials)
    return tuple([await _probe(transport, target, upstream, provider, one) for one in upstream.credentials])


async def _probe(transport: Transport, target: Target, upstream: Upstream, provider: Provider, credential: Credential) -> Verdict:
    call = _call(provider)
    began = time.monotonic()
    try:
        headers = HeaderBlock.of(*provider.sign(credential.secret, time.time()), *call.headers, ("user-agent", "modelgate"))
        path = with_query(joined(urlsplit(upstream.base_url).path.rstrip("/"), call.path), provider.quirks.query)
        answer = await transport.send(target, method=call.method, path=path, headers=headers, body=call.body, timeouts=PROBE_TIMEOUTS)
        body = await answer.read(MAX_ANSWER_BYTES)
    except ValueError:
        return Verdict(credential=credential.id, ok=False, text="the key holds characters that no HTTP header may hold")
    except TransportError as error:
        return Verdict(credential=credential.id, ok=False, text=f"{target.origin} cannot be used: {error}")
    judged = _judge_models(upstream, credential, status=answer.status, body=body) if provider.formats else None
    judged = judged or _judge_task(provider, credential, status=answer.status, body=body)
    return msgspec.structs.replace(judged, status=answer.status, latency_ms=int((time.monotonic() - began) * 1000))


def parse_base_url(text: str) -> str:
    """Return a base URL without the slash at its end. Raises ValueError when it is none."""
    target_of(text)
    return text.rstrip("/")


def _call(provider: Provider) -> UpstreamCall:
    if provider.formats:
        return UpstreamCall(method="GET", path=provider.quirks.paths.get("models", "/models"), headers=provider.probe_headers)
    if provider.probe_path:
        return UpstreamCall(method="GET", path=provider.probe_path, headers=provider.probe_headers)
    encode_poll = next(
        (one.encode_poll for one in provider.media.values() if one.encode_poll is not None and not one.asks_by_request), None
    )
    if encode_poll is None:
        raise ValueError(f"{provider.name} has nothing that can be asked for free")
    return encode_poll(PROBE_TASK)


def _judge_models(upstream: Upstream, credential: Credential, *, status: int, body: bytes) -> Verdict:
    text = _refusal(status)
    if text:
        return Verdict(credential=credential.id, ok=False, text=text)
    if status != 200:
        hint = "; is the base URL right? It usually ends in /v1" if status in (404, 405) else ""
        return Verdict(credential=credential.id, ok=False, text=f"it was reached, but its list of models answered {status}{hint}")
    try:
        models = _names(_json(body))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return Verdict(credential=credential.id, ok=False, text="it was reached, but its list of models is like no vendor's")
    missing = sorted(set(upstream.models.values()) - set(models))
    if missing:
        return Verdict(credential=credential.id, ok=False, text=f"the key works, but it has no {', '.join(missing)}", models=models)
    named = ", ".join(models[:MAX_NAMED_MODELS]) + (", …" if len(models) > MAX_NAMED_MODELS else "")
    return Verdict(credential=credential.id, ok=True, text=f"it works and has {len(models)} models: {named}", models=models)


def _judge_task(provider: Provider, credential: Credential, *, status: int, body: bytes) -> Verdict:
    parse_poll = next((operation.parse_poll for operation in provider.media.values() if operation.parse_poll is not None), None)
    state = parse_poll(status, body) if parse_poll is not None else VendorState()
    text = _refusal(status)
    if not text and state.credential_fault:
        text = f"the vendor does not take the key: {state.error_message or state.error_code}"
    if not text and status >= 500:
        text = f"it was reached, but is not well: it answered {status}"
    return Verdict(credential=credential.id, ok=not text, text=text or "it works: the vendor took the key")


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"the vendor does not take the key (it answered {status})"
    if status == 429:
        return "the vendor says that this key asks too often or has no quota left (it answered 429)"
    return ""


def _names(listed: Any) -> tuple[str, ...]:
    """Return the names in a list of models, in OpenAI's shape (Anthropic's too) or Gemini's."""
    if "models" in listed:
        return tuple(sorted(one["name"].removeprefix("models/") for one in listed["models"]))
    return tuple(sorted(one["id"] for one in listed["data"]))


def _json(body: bytes) -> Any:
    return msgspec.json.decode(body)
