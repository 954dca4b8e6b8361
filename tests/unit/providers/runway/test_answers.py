"""Runway's answers, by the files of testdata/runway."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.formats.media.requests import MediaInput
from modelgate.providers.runway import PROVIDER

FOLDER = Path(__file__).parents[3] / "testdata" / "runway"
VIDEO, IMAGE = PROVIDER.media["video"], PROVIDER.media["image"]
FIRST, LAST = MediaInput(data=b"1", role="first_frame"), MediaInput(data=b"2", role="last_frame")


def inputs(folder: str) -> list[Path]:
    found = sorted((FOLDER / folder).glob("*.input.json"))
    assert found
    return found


def output_of(path: Path) -> Any:
    return msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


def name_of(path: Path) -> str:
    return path.name.removesuffix(".input.json")


@pytest.mark.parametrize("path", inputs("vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = answer["body"].encode() if isinstance(answer["body"], str) else msgspec.json.encode(answer["body"])
    parse = VIDEO.parse_submit if path.name.startswith("submit") else VIDEO.parse_poll
    assert parse is not None

    state = parse(answer["status"], body)

    told = {
        name: value for name, value in msgspec.json.decode(msgspec.json.encode(state)).items() if value not in ("", None, False, 0, [], {})
    }
    assert told == output_of(path)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"id": 7}', b'{"status": null}', b'{"status": 1}'])
def test_a_garbled_answer_is_ambiguous(body: bytes) -> None:
    """A job that may exist is never sent again, and one that runs is not ended by a broken answer."""
    assert VIDEO.parse_poll is not None
    submitted, polled = VIDEO.parse_submit(200, body), VIDEO.parse_poll(200, body)
    assert (submitted.state, submitted.refused, polled.state, polled.refused) == (None, False, None, False)


def test_only_a_good_answer_cancels() -> None:
    assert VIDEO.parse_cancel is not None
    assert [VIDEO.parse_cancel(status, b"").state for status in (204, 404, 500)] == ["canceled", None, None]
