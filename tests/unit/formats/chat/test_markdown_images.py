import time

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.markdown_images import render_markdown_image, split_markdown_images
from modelgate.formats.chat.request import Image, Text

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"
IMAGE = Image(data=PNG, media_type="image/png")
MARKDOWN = f"![image](data:image/png;base64,{PNG})"


def test_a_picture_is_written_and_found_again() -> None:
    assert render_markdown_image(IMAGE) == MARKDOWN
    assert split_markdown_images(MARKDOWN) == (IMAGE,)
    assert render_markdown_image(Image(url="https://example.com/a.png")) == "![image](https://example.com/a.png)"


def test_line_ends_beside_a_picture_belong_to_it() -> None:
    text = f"Done.\n{MARKDOWN}\nAnother:\n\n{MARKDOWN}"
    assert split_markdown_images(text) == (Text(text="Done."), IMAGE, Text(text="Another:\n"), IMAGE)


@pytest.mark.parametrize(
    "text", ["", "plain", "![a](https://example.com/a.png)", "![a](data:image/png;base64,!)", "](data:image/png;base64,AAAA"]
)
def test_what_is_no_picture_stays_text(text: str) -> None:
    assert split_markdown_images(text) == (Text(text=text),)


def test_the_bytes_decide_what_it_is() -> None:
    assert split_markdown_images(MARKDOWN.replace("png;", "jpeg;charset=x;")) == (IMAGE,)


def test_a_broken_picture_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        split_markdown_images("![a](data:image/png;base64,AA=AAAAA)", param="contents")
    assert caught.value.param == "contents"


def test_symptom_a_text_of_openings_was_searched_two_hundred_times_over() -> None:
    """It took five microseconds for each, minutes for the largest body."""
    text = "![" * 2_000_000 + "](data:image/"
    started = time.process_time()
    assert split_markdown_images(text) == (Text(text=text),)
    assert time.process_time() - started < 2


def test_the_nearest_opening_is_the_pictures_own() -> None:
    assert split_markdown_images(f"![a{MARKDOWN}") == (Text(text="![a"), IMAGE)
    assert split_markdown_images(f"![{'a' * 200}{MARKDOWN[7:]}") == (IMAGE,)
    too_long = f"![{'a' * 201}{MARKDOWN[7:]}"
    assert split_markdown_images(too_long) == (Text(text=too_long),)
