"""What travels in `thoughtSignature`: the vendor's own as it is, another vendor's state packed (see `chat.carried`).

Clients send it back in the same part. Some read it as bytes and write it anew, so that `-_` become `+/` and `=` come behind: both are
read. The mark alone is eight letters, so what follows is base64 for itself and together with it.
"""

from modelgate.formats.chat.carried import MARK, Carried, pack_id, unpack_id
from modelgate.formats.chat.request import Thinking
from modelgate.formats.gemini_content import NAME
from modelgate.formats.json_fields import LARGE_BODY_BYTES, MAX_QUOTES

_STANDARD_MARK = MARK.replace("_", "/")
FOREIGN_SPELLINGS = (MARK.encode(), _STANDARD_MARK.encode(), _STANDARD_MARK.replace("/", "\\/").encode())

SKIP = "skip_thought_signature_validator"
"""In place of a signature nobody has: the vendor then does not check the call. Source: ai.google.dev/gemini-api/docs/thought-signatures,
frequently asked questions, read 2026-11."""


def holds_foreign_state(body: bytes | bytearray) -> bool:
    """Return whether a request carries another vendor's state: it stands at the beginning of a text. Large bodies have few of these."""
    if len(body) >= LARGE_BODY_BYTES:
        at = -1
        for _ in range(MAX_QUOTES):
            at = body.find(b'"', at + 1)
            if at < 0:
                return False
            if body.startswith(FOREIGN_SPELLINGS, at + 1):
                return True
    return any(spelling in body for spelling in FOREIGN_SPELLINGS)


def tell_signature(*, signature: str, format: str, thinking: tuple[Thinking, ...] = (), call_id: str = "") -> str:
    """Return what a client keeps in `thoughtSignature`, empty when there is nothing to keep."""
    if format == NAME and not thinking:
        return signature
    if not signature and not thinking:
        return ""
    made_by = format if signature else thinking[0].format
    packed = pack_id(Carried(call_id, made_by, signature, thinking))
    return packed + "=" * (-len(packed) % 4) if packed.startswith(MARK) else ""


def read_signature(told: str) -> Carried:
    """Return what a client's `thoughtSignature` holds; the vendor's own when it is not one of ours."""
    if told.startswith((MARK, _STANDARD_MARK)):
        carried = unpack_id(told.replace("+", "-").replace("/", "_").rstrip("="))
        if carried.format:
            return carried
    return Carried("", NAME, told)
