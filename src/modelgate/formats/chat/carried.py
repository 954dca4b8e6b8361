"""State of one vendor that travels inside ids we hand out, because clients of other dialects have no place for it.

Some models sign their calls (Gemini 3) or their thoughts (Claude) and refuse the next turn of a tool loop without them. A client that
speaks another dialect gives back nothing but the call's id; so the id carries what must come back. The id is made of letters,
digits, `_` and `-` alone, which every dialect allows. It needs no seal of ours: the vendor verifies what it signed.
"""

import base64
import binascii
import zlib
from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.formats.chat.request import Thinking

MARK = "call_mg1"
"""Every id that carries something starts so; a body without it holds none."""
MAX_CARRIED_BYTES = 64 * 1024
"""What is larger is not carried: the next turn then goes without, which the vendor may refuse."""
MAX_UNPACKED_BYTES = 1024 * 1024
MAX_GROWTH = 8
"""An id that would grow by more than this when it is unpacked is none of ours: a body full of such would fill all memory."""
MAX_THOUGHTS = 256


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """What one call's id holds: the vendor's own id, who made the signatures, the call's own, and the thoughts before the first call."""

    id: str
    format: str
    signature: str = ""
    thinking: tuple[Thinking, ...] = ()


class _Packed(msgspec.Struct, array_like=True):
    id: str
    format: str
    signature: str
    thinking: Annotated[list[tuple[str, str, str]], Meta(max_length=MAX_THOUGHTS)]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


def pack_id(carried: Carried) -> str:
    """Return an id for a call; the vendor's own where there is nothing to carry, or too much."""
    if not carried.signature and not carried.thinking:
        return carried.id
    thinking = [(thought.text, thought.signature, thought.sealed) for thought in carried.thinking]
    raw = _encode(_Packed(carried.id, carried.format, carried.signature, thinking))
    packed = zlib.compress(raw)
    if len(raw) > MAX_GROWTH * len(packed):
        packed = zlib.compress(raw, level=0)
    if len(packed) > MAX_CARRIED_BYTES or len(thinking) > MAX_THOUGHTS:
        return carried.id
    return MARK + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def unpack_id(id: str) -> Carried:
    """Return what an id carries; one that carries nothing, or is broken, stands for itself."""
    if not id.startswith(MARK) or len(id) > 2 * MAX_CARRIED_BYTES:
        return Carried(id, "")
    text = id[len(MARK) :]
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        packed = _decode(zlib.decompressobj().decompress(raw, min(MAX_GROWTH * len(raw), MAX_UNPACKED_BYTES)))
    except (binascii.Error, zlib.error, msgspec.DecodeError, ValueError):
        return Carried(id, "")
    thinking = tuple(
        Thinking(text=text, signature=signature, sealed=sealed, format=packed.format) for text, signature, sealed in packed.thinking
    )
    return Carried(packed.id, packed.format, packed.signature, thinking)
