"""A picture of the make-believe DALL·E had an address that nobody could open, `http://sandbox/…`; and so had a song that is still made."""

import io
import time

import openai
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import send

END_S = 120.0


def test_a_picture_by_address_can_be_opened(installation: Installation) -> None:
    with openai.OpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0) as client:
        made = client.images.generate(model="dall-e-3", prompt="a red kite")
    assert made.data is not None
    url = str(made.data[0].url)
    assert url.startswith(f"{installation.base_url}/sandbox/openai/files/")
    shown = send(url)
    assert (shown.status, shown.headers["content-type"], shown.headers["x-content-type-options"]) == (200, "image/png", "nosniff")
    with Image.open(io.BytesIO(shown.content)) as image:
        assert image.size == (1024, 1024)
    assert send(url.replace(".png", "x.png")).status == 404
    assert send(url, body={}, method="POST").status == 405


def test_a_song_can_be_heard_while_it_is_made(installation: Installation) -> None:
    body = {"gpt_description_prompt": "a waltz\nmagic: slow-task"}
    task = send(f"{installation.base_url}/suno/submit/music", key=installation.test_key, body=body, method="POST").body["data"]
    ends = time.monotonic() + END_S
    while True:
        clips = send(f"{installation.base_url}/suno/fetch/{task}", key=installation.test_key).body["data"]["data"] or []
        heard = [clip["audio_url"] for clip in clips if clip["audio_url"]]
        if heard:
            break
        assert time.monotonic() < ends
        time.sleep(0.2)
    assert heard[0].startswith(f"{installation.base_url}/sandbox/suno/stream?item_id=")
    answer = send(heard[0])
    assert (answer.status, answer.headers["content-type"]) == (200, "audio/mp3")
    # Its cover was shown at an address of the sandbox's socket, which nobody can reach.
    cover = next(clip["image_large_url"] for clip in clips if clip["audio_url"])
    assert cover.startswith(f"{installation.base_url}/sandbox/suno/files/")
    assert (send(cover).status, send(cover).headers["content-type"]) == (200, "image/jpeg")


@pytest.mark.parametrize("path", ["/sandbox/sandbox/requests", "/sandbox/v1/models", "/sandbox/openai/files/../../v1/models", "/sandbox/"])
def test_nothing_else_of_the_sandbox_is_shown(installation: Installation, path: str) -> None:
    assert send(installation.base_url + path).status == 404
