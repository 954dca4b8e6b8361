"""Sounds on their way to an upstream, and what was heard on its way back: passed, or told in the format that the client wants."""

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer, UpstreamAsk
from modelgate.formats.json_fields import UNREADABLE, top_level
from modelgate.formats.multipart import Form, Part, rewrite_form
from modelgate.formats.openai_transcriptions import count
from modelgate.formats.openai_transcriptions.families import Family
from modelgate.formats.openai_transcriptions.render import PLAIN_TYPE, render_srt, render_text, render_vtt
from modelgate.formats.openai_transcriptions.schema import HearingFields, Segment
from modelgate.formats.single.single_format import SingleAnswer

JSON_TYPE = b"application/json"
RENDERED = frozenset(("text", "srt", "vtt"))
VERBOSE_FIELDS = frozenset(("task", "language", "duration", "words", "segments"))


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was read: its texts, its form, and the sound in it."""

    fields: HearingFields
    family: Family
    form: Form
    sound: Part

    @property
    def wanted(self) -> str:
        """The format that the client wants."""
        return self.fields.response_format or "json"


class _Glance(msgspec.Struct, frozen=True):
    text: str
    duration: float | str | None = None
    segments: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = msgspec.Raw()


_glance = msgspec.json.Decoder(_Glance)
_segments = msgspec.json.Decoder(list[Segment])


def pass_hearing(request: HttpRequest, hearing: Hearing, *, path: str, upstream_model: str, asked: str) -> UpstreamAsk:
    """Return the form for an upstream: as it is, or anew with the upstream's name of the model and the format that it is `asked` for."""
    changed = [] if upstream_model == hearing.fields.model else [("model", upstream_model)]
    if asked != hearing.wanted:
        changed.append(("response_format", asked))
    if not changed:
        return UpstreamAsk(path=path, body=request.body, content_type=request.headers.get(b"content-type") or b"")
    content_type, body = rewrite_form(hearing.form, texts=changed, seed=request.id)
    return UpstreamAsk(path=path, body=body, content_type=content_type)


def tell_heard(content_type: bytes, body: bytes | bytearray, hearing: Hearing) -> SingleAnswer:
    """Return an upstream's answer in the format that the client wants, and what it used. Raises UnreadableAnswer."""
    fields, family, sound, wanted = hearing.fields, hearing.family, hearing.sound, hearing.wanted
    if wanted in RENDERED and not content_type.startswith(JSON_TYPE):
        text = bytes(body).decode(errors="replace")
        return SingleAnswer(body=body, content_type=PLAIN_TYPE, usage=count.estimate(fields, family, sound, text=text))
    try:
        found = _glance.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer from error
    usage, refused = _usage(found, hearing)
    if wanted in RENDERED:
        return SingleAnswer(body=_rendered(found, wanted), content_type=PLAIN_TYPE, usage=usage, usage_refused=refused)
    is_long = bool(bytes(found.segments)) or found.duration is not None
    told = _without_verbose(body) if wanted == "json" and is_long else body
    return SingleAnswer(body=told, content_type=JSON_TYPE, usage=usage, usage_refused=refused)


def _usage(found: _Glance, hearing: Hearing) -> tuple[Usage, bool]:
    usage = count.read_usage(found.usage)
    refused = usage is None and bytes(found.usage) not in (b"", b"null")
    if usage is None and hearing.family.counts_time:
        usage = count.of_seconds(found.duration)
    return usage or count.estimate(hearing.fields, hearing.family, hearing.sound, text=found.text), refused


def _rendered(found: _Glance, wanted: str) -> bytes:
    if wanted == "text":
        return render_text(found.text)
    try:
        segments = _segments.decode(found.segments) if bytes(found.segments) else []
    except UNREADABLE as error:
        raise UnreadableAnswer from error
    if not segments and found.text.strip():
        raise UnreadableAnswer  # words without their times are no subtitles
    return render_srt(segments) if wanted == "srt" else render_vtt(segments)


def _without_verbose(body: bytes | bytearray) -> bytes:
    """Return the short form of an answer that was asked for at length."""
    return msgspec.json.encode({name: value for name, value in top_level(body).items() if name not in VERBOSE_FIELDS})
