import pytest

from modelgate.formats.media.requests import ImageRequest, MediaInput, Parent
from modelgate.formats.media.vendor_calls import EMPTY, address_of, base64_of, data_uri_of, first_in, parent_of, post_json, said, uri_of

AT_AN_ADDRESS = MediaInput(url="https://files.example/a.png")
BYTES = MediaInput(data=b"1", content_type="image/webp", role="mask")
STORED = MediaInput(blob="b")


def test_what_says_nothing_is_left_out() -> None:
    fields = {"a": None, "b": "", "c": [], "d": 0, "e": False, "f": {}}
    assert said(fields) == {"b": "", "c": [], "d": 0, "e": False, "f": {}}
    assert said(fields, unsaid=EMPTY) == {"d": 0, "e": False, "f": {}}


def test_a_call_is_json_and_brings_the_vendors_headers() -> None:
    call = post_json("/v1/x", {"model": "m", "seed": None}, headers=(("x-version", "1"),))
    assert (call.method, call.path, call.body) == ("POST", "/v1/x", b'{"model":"m"}')
    assert call.headers == (("x-version", "1"), ("content-type", "application/json"))


def test_a_file_is_told_in_the_vendors_way() -> None:
    assert (uri_of(AT_AN_ADDRESS), address_of(AT_AN_ADDRESS)) == (AT_AN_ADDRESS.url, AT_AN_ADDRESS.url)
    assert (uri_of(BYTES), data_uri_of(BYTES), base64_of(BYTES)) == ("data:image/webp;base64,MQ==", "data:image/webp;base64,MQ==", "MQ==")
    assert data_uri_of(MediaInput(data=b"1")) == "data:image/png;base64,MQ=="


def test_one_that_is_still_stored_or_told_otherwise_is_none() -> None:
    for told in (uri_of, data_uri_of, base64_of, address_of):
        with pytest.raises(ValueError, match="an input is n"):
            told(STORED)
    with pytest.raises(ValueError, match="not an address"):
        address_of(BYTES)
    with pytest.raises(ValueError, match="nor bytes"):
        base64_of(AT_AN_ADDRESS)


def test_the_first_of_a_role_and_the_job_to_build_on() -> None:
    request = ImageRequest(model="m", inputs=(AT_AN_ADDRESS, BYTES), parent=Parent(task="task_1", vendor_task="v1"))
    assert (first_in(request, "mask"), first_in(request, "style"), parent_of(request)) == (BYTES, None, "v1")
    for parent in (None, Parent(task="task_1")):
        with pytest.raises(ValueError, match="build on"):
            parent_of(ImageRequest(model="m", parent=parent))
