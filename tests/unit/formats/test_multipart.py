import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.multipart import MAX_PARTS, Form, Part, Upload, form_of, is_form, parse_form, read_fields, render_form, rewrite_form
from modelgate.formats.openai_chat.request import say

TYPE = b"multipart/form-data; boundary=B"


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    model: str | None = None
    n: int | None = None
    stream: bool | None = None
    temperature: float | None = None
    kinds: list[str] | None = None


def request_of(body: bytes, content_type: bytes = TYPE) -> HttpRequest:
    headers = HeaderBlock(b"Content-Type: " + content_type + b"\r\n")
    return HttpRequest(method="POST", path="/v1/x", headers=headers, body=body, id="req_1")


def part(head: bytes, content: bytes) -> bytes:
    return b"--B\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def text(name: str, value: str) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"'.encode(), value.encode())


def parsed(*parts: bytes) -> Form:
    return parse_form(request_of(b"".join(parts) + b"--B--\r\n"), say=say)


def told(form: Form) -> list[tuple[str, str | None, str, bytes]]:
    return [(each.name, each.filename, each.content_type, form.bytes_of(each)) for each in form.parts]


def read(*parts: bytes) -> Fields:
    return read_fields(parsed(*parts), Fields, lists=frozenset(("kinds",)), files=frozenset(("file",)), say=say)


def test_a_form_of_the_usual_client_is_read() -> None:
    sent = httpx2.Request(
        "POST",
        "http://gateway.example",
        data={"model": "m", "kinds[]": ["a", "b"]},
        files=[("image[]", ('a "1".png', b"\x89PNG\r\n--", "image/png")), ("image[]", ("b.png", b"", "image/png"))],
    )
    request = request_of(sent.read(), sent.headers["content-type"].encode())
    assert is_form(request)
    form = parse_form(request, say=say)
    assert told(form) == [
        ("model", None, "", b"m"),
        ("kinds[]", None, "", b"a"),
        ("kinds[]", None, "", b"b"),
        ("image[]", "a %221%22.png", "image/png", b"\x89PNG\r\n--"),
        ("image[]", "b.png", "image/png", b""),
    ]
    assert [each.size_bytes for each in form.files("image")] == [8, 0]


def test_files_may_be_named_in_any_alphabet() -> None:
    form = parsed(
        part(b"content-disposition: form-data; name=file; filename=\"x\"; filename*=UTF-8''%E4%BD%A0.mp3", b"1"),
        part('Content-Disposition: form-data; name="file"; filename="gr\\"ü\\\\n.mp3"'.encode(), b"2"),
    )
    assert [each.filename for each in form.parts] == ["你.mp3", 'gr"ü\\n.mp3']


def test_texts_become_what_they_stand_for() -> None:
    found = read(
        text("model", "null"), text("n", "2"), text("stream", "true"), text("temperature", "0.5"), text("kinds[]", "a"), text("kinds", "b")
    )
    assert found == Fields(model="null", n=2, stream=True, temperature=0.5, kinds=["a", "b"])
    assert read(text("other", "x"), text("other", "y")) == Fields()


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([text("model", "a"), text("model", "b")], "model"),
        ([text("n", "two")], "n"),
        ([text("stream", "maybe")], "stream"),
        ([text("file", "no file")], "file"),
        ([part(b'content-disposition: form-data; name="model"; filename="m"', b"a")], "model"),
        ([part(b'content-disposition: form-data; name="model"', b"\xff")], "model"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(parts: list[bytes], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(*parts)
    assert refused.value.param == param


GOOD = text("model", "m")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        GOOD,
        GOOD + b"--B--\r\nmore",
        GOOD + b"--B-\r\n",
        GOOD + b"--Bx\r\n",
        b"before\r\n" + GOOD + b"--B--\r\n",
        GOOD.replace(b"\r\n", b"\n") + b"--B--\n",
        part(b"content-type: text/plain", b"m") + b"--B--\r\n",
        part(b'content-disposition: attachment; name="model"', b"m") + b"--B--\r\n",
        part(b'content-disposition: form-data; name="model"; name="other"', b"m") + b"--B--\r\n",
        part(b'content-disposition: form-data; name="model', b"m") + b"--B--\r\n",
        part(b'content-disposition: form-data; name="model"\r\ncontent-disposition: form-data; name="n"', b"m") + b"--B--\r\n",
        part(b'content-disposition: form-data; name="model"\r\n folded: x', b"m") + b"--B--\r\n",
        part(b'content-disposition: form-data; name="model"\r\ncontent-transfer-encoding: base64', b"bQ==") + b"--B--\r\n",
        part(b'content-disposition: form-data; name="\xff"', b"m") + b"--B--\r\n",
        part(b"content-disposition: form-data; name=f; filename*=latin-1''x", b"m") + b"--B--\r\n",
        part(b'content-disposition: form-data; name="' + b"x" * 9_000 + b'"', b"m") + b"--B--\r\n",
        GOOD * (MAX_PARTS + 1) + b"--B--\r\n",
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_form(request_of(body), say=say)
    assert refused.value.code == "invalid_form"


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data; boundary=B; charset=utf-8",
        b"multipart/form-data; charset=utf-8; boundary=B",
        b'Multipart/Form-Data;boundary="B"; charset="UTF-8"',
    ],
)
def test_a_charset_may_stand_on_either_side_of_the_boundary(content_type: bytes) -> None:
    assert form_of(b'--B\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--B--\r\n', content_type, say=say).parts[0].name == "a"


@pytest.mark.parametrize(("head", "is_file"), [("", False), ("content-type: image/png\r\n", True), ("content-type: text/plain\r\n", False)])
def test_a_file_is_known_by_its_type_where_it_has_no_name(head: str, is_file: bool) -> None:
    body = f'--B\r\ncontent-disposition: form-data; name="image"\r\n{head}\r\nx\r\n--B--\r\n'.encode()
    form = form_of(body, TYPE, say=say)
    assert form.parts[0].is_file is is_file
    assert bool(form.files("image")) is is_file


@pytest.mark.parametrize("content_type", [b"application/json", b"multipart/form-data", b"multipart/form-data; boundary=" + b"x" * 71, b""])
def test_a_body_of_another_type_is_no_form(content_type: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_form(request_of(GOOD + b"--B--\r\n", content_type), say=say)


def test_a_form_is_written_anew_with_other_texts() -> None:
    form = parsed(
        text("model", "old"),
        part(b'content-disposition: form-data; name="file"; filename="a\\"b.mp3"\r\ncontent-type: audio/mpeg', b"\0\r\nmodelgate-s"),
        text("kinds[]", "a"),
    )
    content_type, body = rewrite_form(form, texts=(("model", "new"), ("kinds[]", "x"), ("kinds[]", "y")), seed="s")
    assert content_type == b"multipart/form-data; boundary=modelgate-s-"
    assert body == (
        b'--modelgate-s-\r\ncontent-disposition: form-data; name="model"\r\n\r\nnew\r\n'
        b'--modelgate-s-\r\ncontent-disposition: form-data; name="kinds[]"\r\n\r\nx\r\n'
        b'--modelgate-s-\r\ncontent-disposition: form-data; name="kinds[]"\r\n\r\ny\r\n'
        b'--modelgate-s-\r\ncontent-disposition: form-data; name="file"; filename="a%22b.mp3"\r\ncontent-type: audio/mpeg\r\n\r\n'
        b"\0\r\nmodelgate-s\r\n--modelgate-s---\r\n"
    )


names = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters='"\\%'), min_size=1, max_size=10)


def test_a_form_is_written_from_nothing() -> None:
    """A file that holds the boundary one could guess does not end its part."""
    sly = Upload(filename='a "b".png', content_type="image/png", data=b"\r\n--modelgate-seed--\r\n")
    content_type, body = render_form([("prompt", "a fox\r\nä"), ("image", sly), ("code", "1"), ("code", "2")], seed="seed")
    form = form_of(body, content_type, say=say)
    assert [(part.name, part.filename, part.content_type, form.bytes_of(part)) for part in form.parts] == [
        ("prompt", None, "", "a fox\r\nä".encode()),
        ("image", "a %22b%22.png", "image/png", sly.data),
        ("code", None, "", b"1"),
        ("code", None, "", b"2"),
    ]


@given(st.lists(st.tuples(names, names | st.none(), st.binary(max_size=50)), max_size=5))
def test_what_is_written_is_read_again(fields: list[tuple[str, str | None, bytes]]) -> None:
    body = b"".join(content for _, _, content in fields)
    parts, at = [], 0
    for name, filename, content in fields:
        parts.append(Part(name=name, filename=filename, content_type="", start=at, end=at + len(content)))
        at += len(content)
    content_type, written = rewrite_form(Form(body=body, parts=tuple(parts)), texts=(), seed="s")
    if not fields:
        return
    assert told(parse_form(request_of(written, content_type), say=say)) == [(name, filename, "", data) for name, filename, data in fields]


@given(st.binary(max_size=200))
def test_no_bytes_break_it(noise: bytes) -> None:
    for body in (
        noise,
        b"--B\r\n" + noise,
        GOOD + b"--B" + noise,
        part(noise, b"") + b"--B--",
        part(b"content-disposition: form-data" + noise, b""),
    ):
        try:
            read_fields(parse_form(request_of(body), say=say), Fields, files=frozenset(("file",)), say=say)
        except InvalidRequest:
            continue
