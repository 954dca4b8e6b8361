"""Answers to orders of pictures on their way to the client, whole or as events, and errors of upstreams."""

import msgspec

from modelgate.core.usage import Usage
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat import errors
from modelgate.formats.openai_images import count
from modelgate.formats.openai_images.families import Family
from modelgate.formats.openai_images.schema import Ask
from modelgate.formats.single.event_relay import EVENTS_TYPE, Ending, EventRelay
from modelgate.formats.single.single_format import SingleAnswer, Streamed

REFUSED = "content_filter"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was read. `shown`: how many pictures came with it."""

    ask: Ask
    family: Family
    shown: int = 0


class _Glance(msgspec.Struct, frozen=True):
    """An answer whose pictures are not looked at."""

    data: list[msgspec.Raw]
    usage: msgspec.Raw = msgspec.Raw()


_glance = msgspec.json.Decoder(_Glance)


def pass_pictures(body: bytes | bytearray, order: Order) -> SingleAnswer:
    """Return an upstream's answer, its usage read, or counted where it does not say. Raises UnreadableAnswer."""
    try:
        found = _glance.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer from error
    if not found.data:
        raise UnreadableAnswer
    ask, family = order.ask, order.family
    images = min(len(found.data), ask.n or 1)  # more than was asked for is not paid
    usage = count.read_usage(found.usage, images=images, variant=count.variant_of(ask, family))
    refused = usage is None and count.is_said(found.usage)
    if usage is None:
        usage = _uncounted(order, images=images)
    return SingleAnswer(body=body, content_type=b"application/json", usage=usage, usage_refused=refused)


def _uncounted(order: Order, *, images: int) -> Usage:
    ask, family = order.ask, order.family
    if family.counts_tokens:
        return count.estimate(msgspec.structs.replace(ask, n=images), family, shown=order.shown)
    return Usage(images=images, variant=count.variant_of(ask, family))


def stream_pictures(order: Order, *, done: str) -> Streamed:
    """Return the way of an answer that comes as events, the last of them of type `done`."""
    ask, family = order.ask, order.family
    variant = count.variant_of(ask, family)
    ending = Ending(
        done=done,
        count=ask.n or 1,
        read_usage=lambda raw: count.read_usage(raw, images=1, variant=variant),
        expected=count.estimate(ask, family, shown=order.shown),
        spoiled=count.spoiled(ask, family, shown=order.shown),
    )
    return Streamed(relay=EventRelay(ending), content_type=EVENTS_TYPE)


def decode_error(status: int, body: bytes | bytearray) -> VendorError:
    """Return what an upstream's error answer says; a prompt that was refused keeps the vendor's word for it (`moderation_blocked`)."""
    error = errors.decode_error(status, body)
    if error.code == REFUSED:
        return msgspec.structs.replace(error, code=errors.decode_detail(body).code or REFUSED)
    return error
