import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.multipart import Form, Part
from modelgate.formats.openai_images.uploads import MAX_UPLOAD_BYTES, check_upload, uploads_of


def upload(filename: str | None = "a.png", *, size_bytes: int = 5) -> Part:
    return Part(name="image[]", filename=filename, content_type="image/png", start=0, end=size_bytes)


def test_pictures_are_found_under_either_spelling() -> None:
    text = Part(name="image[]", filename=None, content_type="", start=0, end=5)
    form = Form(body=b"", parts=(upload(), text, upload("b.png")))
    assert [each.filename for each in uploads_of(form, "image", most=2)] == ["a.png", "b.png"]


@pytest.mark.parametrize("parts", [(), (upload(), upload()), (upload(""),), (upload(size_bytes=0),)])
def test_none_too_many_and_such_as_are_none_are_refused(parts: tuple[Part, ...]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        uploads_of(Form(body=b"", parts=parts), "image", most=1)
    assert refused.value.param == "image"


def test_a_picture_beyond_the_bound_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        check_upload(upload(size_bytes=MAX_UPLOAD_BYTES + 1), "mask")
