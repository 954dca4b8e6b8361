import pytest

from modelgate.sandbox.forms import Upload
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.forms import as_typed, read_form, read_form_or_json, texts_of, uploads_of
from modelgate.sandbox.openai.gate import Sent

KIND = "multipart/form-data; boundary=xyz"


def test_what_is_no_form_is_refused_naming_the_part() -> None:
    part = b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--xyz--'
    for data, kind, param in ((b"", KIND, None), (b"{}", "application/json", None), (part, KIND, "a")):
        with pytest.raises(Refused) as caught:
            read_form(Sent(data=data, content_type=kind))
        assert (caught.value.status, caught.value.param) == (400, param)


def test_forms_or_json() -> None:
    assert read_form_or_json(Sent(data=b'{"a": 1}', content_type="application/json")) == {"a": 1}
    assert read_form_or_json(Sent(data=b"--xyz--", content_type=KIND)) == {}


def test_numbers_and_switches_arrive_as_text() -> None:
    form = {"n": "2", "temperature": "0.5", "stream": "true", "other": "5"}
    assert as_typed(form, numbers=("n", "temperature", "missing"), switches=("stream",)) == {
        "n": 2,
        "temperature": 0.5,
        "stream": True,
        "other": "5",
    }
    for bad in ({"n": "two"}, {"n": "true"}, {"n": ["1", "2"]}, {"n": Upload(filename="a", content_type="b", data=b"")}, {"stream": "yes"}):
        with pytest.raises(Refused) as caught:
            as_typed(bad, numbers=("n",), switches=("stream",))
        assert caught.value.param in bad


def test_fields_of_one_kind() -> None:
    upload = Upload(filename="a", content_type="b", data=b"")
    assert uploads_of({"a": upload}, "a") == uploads_of({"a": [upload]}, "a") == [upload]
    assert uploads_of({}, "a") == texts_of({}, "a") == []
    assert texts_of({"a": "x"}, "a") == ["x"]
    with pytest.raises(Refused, match="expected a file"):
        uploads_of({"a": "x"}, "a")
    with pytest.raises(Refused):
        texts_of({"a": upload}, "a")
