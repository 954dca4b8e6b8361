"""Webhooks out, put together once for the desk and for a worker on its own, and vendors' calls in, for the desk."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from modelgate.app.proxies import proxy_for
from modelgate.app.settings import Settings
from modelgate.app.workshop import Workshop, callback_key, log_webhook_fault
from modelgate.core.clock import system_clock
from modelgate.core.providers import Provider
from modelgate.core.records import DeliveryState, Task
from modelgate.formats.media.family import MediaFamily
from modelgate.gateway.callback_proofs import SignatureProofs
from modelgate.gateway.callbacks import VendorCallbacks
from modelgate.gateway.files import FileLinks
from modelgate.storage.cipher import derive_key
from modelgate.storage.database import Database
from modelgate.storage.webhooks import DatabaseWebhookStore
from modelgate.tasks.webhooks import WebhookSender
from modelgate.transport.target import Target, target_of


def webhook_key(secret: bytes, account: str) -> bytes:
    """Return the key that signs an account's webhooks; the same in every process of an installation."""
    return derive_key(secret, purpose=f"webhooks of {account}")


def own_origins(settings: Settings) -> dict[str, Target]:
    """Return the origins that the operator lets webhooks go to, wherever they lead, each with the way there."""
    targets = [target_of(origin, proxy=proxy_for(settings, origin)) for origin in settings.webhook_origins]
    return {target.origin: target for target in targets}


def task_encoder(families: Iterable[MediaFamily], links: FileLinks) -> Callable[[Task], bytes]:
    """Return what says a task as a fetch by its own family would."""
    by_name: Mapping[str, MediaFamily] = {family.name: family for family in families}

    def encode(task: Task) -> bytes:
        family = by_name[task.family]
        urls = links.urls_of(task, preview_path=family.preview_path)
        body: bytes = family.encode_fetched(task, urls=urls, request_id=task.request_id)
        return body

    return encode


def webhook_sender(
    settings: Settings,
    database: Database,
    secret: bytes,
    *,
    workshop: Workshop,
    encode: Callable[[Task], bytes],
    count: Callable[[DeliveryState], None] = lambda _state: None,
) -> WebhookSender:
    """Return a sender over the database and the workshop's way out; `count` hears what each try came to."""
    return WebhookSender(
        DatabaseWebhookStore(database),
        tasks=workshop.store,
        post=partial(workshop.fetcher.post, exempt=own_origins(settings)),
        encode=encode,
        key_of=lambda account: webhook_key(secret, account),
        clock=system_clock,
        log_fault=log_webhook_fault,
        count=count,
    )


def vendor_callbacks(secret: bytes, *, workshop: Workshop, providers: Mapping[str, Provider]) -> VendorCallbacks:
    """Return what answers the calls of vendors: they wake tasks for this process's worker, or whoever is first."""
    proofs = SignatureProofs(
        upstreams=workshop.upstreams, providers=providers, fetcher=workshop.fetcher, clock=system_clock, proxy_for=workshop.proxy_for
    )
    return VendorCallbacks(workshop.store, secret=callback_key(secret), clock=system_clock, proofs=proofs, kick=workshop.worker.kick)
