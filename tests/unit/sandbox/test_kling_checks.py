import base64
import io
import json
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey
from PIL import Image

from modelgate.core.sandbox import KLING_SECRET
from modelgate.sandbox.kling_checks import KlingRefused, check_image_order, check_token

NOW = 1_000_000
ACCESS, _, SECRET = KLING_SECRET.partition("|")


def _token(*, secret: str = SECRET, **claims: Any) -> str:
    given = {"iss": ACCESS, "exp": NOW + 1800, "nbf": NOW - 5, **claims}
    kept = {name: value for name, value in given.items() if value is not None}
    return "Bearer " + jwt.encode({"alg": "HS256", "typ": "JWT"}, kept, OctKey.import_key(secret))


def _without_typ() -> str:
    claims = json.dumps({"iss": ACCESS, "exp": NOW + 1800, "nbf": NOW - 5})
    return "Bearer " + jws.serialize_compact({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def test_a_good_token_passes() -> None:
    check_token(_token(), now=NOW)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, 1001),
        ("", 1001),
        ("Bearer nonsense", 1002),
        ("Bearer a.b.c", 1002),
        ("Bearer ä.b.c", 1002),
        (_token().replace("Bearer ", "Token "), 1002),
        (_token(secret="another secret of sufficient length"), 1002),
        (_token(iss="somebody else"), 1002),
        (_without_typ(), 1000),
        (_token(exp=None), 1000),
        (_token(nbf=None), 1000),
        (_token(exp=str(NOW + 5)), 1000),
        (_token(nbf=NOW + 60), 1003),
        (_token(exp=NOW - 1), 1004),
    ],
)
def test_bad_tokens_are_refused(authorization: str | None, code: int) -> None:
    with pytest.raises(KlingRefused) as caught:
        check_token(authorization, now=NOW)
    assert (caught.value.code, caught.value.status) == (code, 401)


def _image(*, size: tuple[int, int] = (400, 400), kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def test_defaults() -> None:
    order = check_image_order({"prompt": "a fox", "model": "ignored", "n": None})
    assert (order.model, order.n, order.ratio, order.resolution, order.reference, order.has_image) == (
        "kling-v1",
        1,
        "16:9",
        "1k",
        None,
        False,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "x" * 2500, "negative_prompt": "y" * 2500},
        {"n": 9, "aspect_ratio": "2:3", "image_fidelity": 1, "external_task_id": "task_1"},
        {"image": _image(), "model_name": "kling-v1-5", "image_reference": "subject", "human_fidelity": 0.3},
        {"image": _image(size=(300, 750), kind="JPEG")},
        {"image": "https://example.com/a.png", "negative_prompt": ""},
        {"model_name": "kling-v2-1", "aspect_ratio": "21:9", "resolution": "2k"},
        {"model_name": "sandbox-fail-task"},
        {"callback_url": "https://example.com/hook"},
    ],
)
def test_good_orders_pass(fields: dict[str, Any]) -> None:
    order = check_image_order({"prompt": "a fox", **fields})
    assert order.n == fields.get("n", 1)
    assert order.has_image == ("image" in fields)


@pytest.mark.parametrize(
    ("fields", "code", "word"),
    [
        ({"prompt": None}, 1201, "prompt"),
        ({"prompt": " "}, 1201, "prompt"),
        ({"prompt": 7}, 1200, "prompt"),
        ({"prompt": "x" * 2501}, 1201, "2500"),
        ({"negative_prompt": "x" * 2501}, 1201, "negative_prompt"),
        ({"model_name": "kling-v9"}, 1201, "model_name"),
        ({"n": 0}, 1201, "n value"),
        ({"n": 10}, 1201, "n value"),
        ({"n": "2"}, 1200, "n must"),
        ({"n": True}, 1200, "n must"),
        ({"aspect_ratio": "5:4"}, 1201, "aspect_ratio"),
        ({"aspect_ratio": "21:9"}, 1201, "21:9"),
        ({"resolution": "2k"}, 1201, "resolution"),
        ({"image_fidelity": 1.1}, 1201, "image_fidelity"),
        ({"image_fidelity": "0.5"}, 1200, "image_fidelity"),
        ({"human_fidelity": 0.5}, 1201, "human_fidelity"),
        ({"image_reference": "subject"}, 1201, "image_reference"),
        ({"image": _image(), "image_reference": "pose"}, 1201, "image_reference"),
        ({"image": _image(), "model_name": "kling-v1-5"}, 1201, "image_reference"),
        ({"image": _image(), "negative_prompt": "dogs"}, 1201, "negative_prompt"),
        ({"image": "data:image/png;base64," + _image()}, 1201, "data:"),
        ({"image": "bm90IGEgcGljdHVyZQ=="}, 1201, "image"),
        ({"image": _image(size=(299, 400))}, 1201, "300px"),
        ({"image": _image(size=(300, 751))}, 1201, "ratio"),
        ({"image": base64.b64encode(base64.b64decode(_image(size=(900, 900)))[:-900]).decode()}, 1201, "breaks off"),
        ({"image": _image(kind="WEBP")}, 1201, "format"),
        ({"callback_url": "ftp://example.com"}, 1201, "callback_url"),
        ({"external_task_id": "x" * 257}, 1201, "external_task_id"),
    ],
)
def test_bad_orders_name_the_field(fields: dict[str, Any], code: int, word: str) -> None:
    with pytest.raises(KlingRefused, match=word) as caught:
        check_image_order({"prompt": "a fox", **fields})
    assert (caught.value.code, caught.value.status) == (code, 400)


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(KlingRefused):
        check_image_order(["prompt"])


def test_a_reference_is_kept_small() -> None:
    reference = check_image_order({"prompt": "a fox", "image": _image(size=(2000, 1000))}).reference
    assert reference is not None
    assert Image.open(io.BytesIO(reference)).size == (320, 160)
