"""Which speed is meant, and whose words these are."""

from typing import Any

import msgspec
import pytest

from modelgate.core.records import Task
from modelgate.formats.media.family import MediaCall
from modelgate.formats.midjourney.said import details_of, facts_of, read_said


def said(alias: str = "", **fields: Any) -> tuple[str, str]:
    found = read_said(MediaCall(body=msgspec.json.encode(fields), alias=alias))
    return found.quality, found.prompt


@pytest.mark.parametrize(
    ("alias", "fields", "speed"),
    [
        ("", {"prompt": "a fox"}, ""),
        ("/mj-turbo/mj/", {"prompt": "a fox --relax", "accountFilter": {"modes": ["FAST"]}}, "turbo"),
        ("", {"prompt": "a fox --relax", "mode": "TURBO", "accountFilter": {"modes": ["FAST"]}}, "fast"),
        ("", {"prompt": "a fox --relax", "mode": "TURBO"}, "turbo"),
        ("", {"prompt": "a fox --RELAX --v 7"}, "relax"),
        ("", {"prompt": "a fox", "accountFilter": {"modes": ["FAST", "RELAX"]}}, ""),
    ],
)
def test_the_path_then_the_filter_then_the_body_then_the_prompt(alias: str, fields: dict[str, Any], speed: str) -> None:
    assert said(alias, **fields)[0] == speed


@pytest.mark.parametrize(
    ("prompt", "kept"), [("a --fast fox", "a fox"), ("--turbo", ""), ("a fox --faster", "a fox --faster"), ("x --relax\n", "x")]
)
def test_flags_of_speed_do_not_reach_the_upstream(prompt: str, kept: str) -> None:
    """A flag in the prompt would buy relax and get turbo."""
    assert said(prompt=prompt)[1] == kept


def test_details_of_another_kind_of_upstream_are_not_read() -> None:
    task = Task(id="t", account="a", key="k", book="test", family="midjourney", operation="image", model="m", state="queued", request=b"{}")
    assert details_of(msgspec.structs.replace(task, details=b'{"seed": 7}')).seed == 7
    assert details_of(msgspec.structs.replace(task, details=b'{"buttons": {"a": 1}, "seed": []}')).buttons == []


def test_facts_of_another_family_are_not_read() -> None:
    task = Task(
        id="t", account="a", key="k", book="test", family="kling", operation="image", model="m", state="queued", request=b"{}", facts=b"[]"
    )
    assert facts_of(task).action == ""
