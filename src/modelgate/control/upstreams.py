"""Upstreams: where answers come from. Add, change, test, forget."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from msgspec import UNSET

from modelgate.control import upstream_reference as reference
from modelgate.control.actions import Action, Call
from modelgate.control.errors import refused
from modelgate.core.listings import UpstreamTraffic
from modelgate.core.providers import Provider, operation_of
from modelgate.core.records import Upstream
from modelgate.core.upstreams import UpstreamIncomplete, Verdict, draft_upstream
from modelgate.formats.media.refusals import CALLER_FAULTS

HEALTH_WINDOW_S: Final = 15 * 60.0
NO_TRAFFIC: Final = UpstreamTraffic(upstream="", requests=0, failed=0)

Probe = Callable[[Upstream], Awaitable[tuple[Verdict, ...]]]
"""Calls an upstream with each of its secrets."""
CleanUrl = Callable[[str], str]
"""Returns a base URL as it is kept. Raises ValueError when it is none."""


class UpstreamStore(Protocol):
    """Upstreams, secrets encrypted at rest. A name that is taken or an upstream that is not there raises what the door answers."""

    async def list_of(self) -> tuple[Upstream, ...]:
        """Return all, oldest first, without secrets."""
        ...

    async def get(self, reference: str) -> Upstream:
        """Return one by id or name, with its secrets."""
        ...

    async def add(self, record: Upstream, *, is_named: bool, now: float) -> None:
        """Add one. Not `is_named`: under its name or the next free one."""
        ...

    async def edit(self, reference: str, changes: Mapping[str, Any], *, now: float) -> Upstream:
        """Change fields by name and return it without secrets; `secrets` replaces all."""
        ...

    async def remove(self, reference: str, *, now: float) -> None: ...

    async def traffic(self, *, since: float, blameless: Iterable[str]) -> list[UpstreamTraffic]:
        """Return what became of what ended since; `blameless` are codes of failures that were callers' faults."""
        ...


def upstream_actions(store: UpstreamStore, *, providers: Mapping[str, Provider], probe: Probe, clean_url: CleanUrl) -> tuple[Action, ...]:
    """Return the actions."""
    upstreams = _Upstreams(store, providers=providers, probe=probe, clean_url=clean_url)
    return (
        Action(endpoint=reference.LIST_UPSTREAMS, handle=upstreams.list_them, permission="configure"),
        Action(endpoint=reference.ADD_UPSTREAM, handle=upstreams.add, permission="configure", status=201),
        Action(endpoint=reference.EDIT_UPSTREAM, handle=upstreams.edit, permission="configure"),
        Action(endpoint=reference.REMOVE_UPSTREAM, handle=upstreams.remove, permission="configure"),
        Action(endpoint=reference.TEST_UPSTREAM, handle=upstreams.test, permission="configure"),
        Action(endpoint=reference.LIST_PROVIDERS, handle=upstreams.list_providers, permission="configure"),
    )


class _Upstreams:
    def __init__(self, store: UpstreamStore, *, providers: Mapping[str, Provider], probe: Probe, clean_url: CleanUrl) -> None:
        self._store = store
        self._providers = providers
        self._probe = probe
        self._clean_url = clean_url

    async def list_them(self, call: Call) -> reference.UpstreamList:
        traffic = await self._traffic(call.now)
        return reference.UpstreamList(data=[self._shown(one, traffic) for one in await self._store.list_of()])

    async def add(self, call: Call) -> reference.UpstreamObject:
        body: reference.UpstreamBody = call.body
        provider = self._providers.get(body.provider)
        if provider is None:
            raise refused("provider", f"there is none of that name; there are: {', '.join(sorted(self._providers))}")
        given = self._checked({name: value for name in reference.FIELDS if (value := getattr(body, name)) is not UNSET}, provider)
        try:
            record = draft_upstream(provider, book=body.book, secrets=body.secrets, keyless=body.keyless, given=given)
        except UpstreamIncomplete as error:
            raise refused(error.field, str(error)) from None
        await self._store.add(record, is_named="name" in given, now=call.now)
        return self._shown(await self._store.get(record.id), {})

    async def edit(self, call: Call) -> reference.UpstreamObject:
        body: reference.UpstreamEdit = call.body
        before = await self._store.get(call.values["upstream"])
        fields = {name: value for name in reference.FIELDS if (value := getattr(body, name)) is not UNSET}
        changes = self._checked(fields, self._providers.get(before.provider))
        if body.secrets is not UNSET:
            if not body.secrets:
                raise refused("secrets", "there is none; pause the upstream instead")
            changes["secrets"] = tuple(body.secrets)
        after = await self._store.edit(before.id, changes, now=call.now) if changes else before
        return self._shown(after, await self._traffic(call.now))

    async def remove(self, call: Call) -> None:
        await self._store.remove((await self._store.get(call.values["upstream"])).id, now=call.now)

    async def test(self, call: Call) -> reference.UpstreamTest:
        found = await self._store.get(call.values["upstream"])
        if found.provider not in self._providers:
            raise refused("upstream", f"its provider {found.provider!r} is not known here")
        verdicts = await self._probe(found)
        told = next((verdict for verdict in verdicts if not verdict.ok), verdicts[0])
        return reference.UpstreamTest(
            ok=all(verdict.ok for verdict in verdicts),
            status=told.status or None,
            latency_ms=told.latency_ms if told.status else None,
            message=told.text,
            models=list(told.models),
            credentials=[
                reference.CredentialTest(
                    ok=verdict.ok,
                    status=verdict.status or None,
                    latency_ms=verdict.latency_ms if verdict.status else None,
                    message=verdict.text,
                )
                for verdict in verdicts
            ],
        )

    async def list_providers(self, _: Call) -> reference.ProviderList:
        shown = sorted(self._providers.values(), key=lambda provider: provider.title.lower())
        return reference.ProviderList(data=[_provider(one) for one in shown])

    async def _traffic(self, now: float) -> dict[str, UpstreamTraffic]:
        found = await self._store.traffic(since=now - HEALTH_WINDOW_S, blameless=CALLER_FAULTS)
        return {one.upstream: one for one in found}

    def _checked(self, given: dict[str, Any], provider: Provider | None) -> dict[str, Any]:
        """Return fields as they are kept; an empty address is the vendor's own. Raises InvalidRequest."""
        kept = dict(given)
        if "name" in kept:
            kept["name"] = kept["name"].strip()
            if not kept["name"]:
                raise refused("name", "it is empty")
        if "base_url" in kept:
            text = kept["base_url"].strip() or (provider.base_url if provider is not None else "")
            try:
                kept["base_url"] = self._clean_url(text)
            except ValueError as error:
                raise refused("base_url", str(error)) from None
        return kept

    def _shown(self, record: Upstream, traffic: Mapping[str, UpstreamTraffic]) -> reference.UpstreamObject:
        provider = self._providers.get(record.provider)
        return reference.UpstreamObject(
            id=record.id,
            name=record.name,
            provider=record.provider,
            provider_title=provider.title if provider is not None else record.provider,
            base_url=record.base_url,
            book=record.book,
            models=record.models,
            priority=record.priority,
            weight=record.weight,
            disabled=record.disabled,
            free=record.free,
            cancel=record.cancel,
            timeout_s=record.timeout_s,
            max_concurrent=record.max_concurrent,
            ca_file=record.ca_file,
            secrets_count=len(record.credentials),
            health=health_of(traffic.get(record.id, NO_TRAFFIC)),
        )


def health_of(traffic: UpstreamTraffic) -> reference.UpstreamHealth:
    """Return how an upstream has been, judged by what ended there."""
    is_last_bad = (traffic.last_failed_at or 0.0) > (traffic.last_ok_at or 0.0)
    is_failing = is_last_bad and 2 * traffic.failed >= traffic.requests
    return reference.UpstreamHealth(
        state="idle" if not traffic.requests else "failing" if is_failing else "ok",
        requests=traffic.requests,
        failed=traffic.failed,
        last_error=traffic.last_error or None,
        last_status=traffic.last_status or None,
        last_failed_at=traffic.last_failed_at,
        last_ok_at=traffic.last_ok_at,
    )


def _provider(one: Provider) -> reference.ProviderObject:
    return reference.ProviderObject(
        name=one.name,
        title=one.title,
        base_url=one.base_url,
        needs_base_url=not one.base_url,
        needs_secret=not one.quirks.self_hosted,
        operations=sorted({*(operation_of(name) for name in one.formats), *one.media}),
        documentation=one.documentation,
    )
