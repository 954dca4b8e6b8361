"""What may be done with an earlier task."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Task, TaskOutput
from modelgate.formats.media.family import MediaCall
from modelgate.formats.midjourney import children, request
from modelgate.formats.midjourney.said import TaskFacts, facts_of

GRID = Task(
    id="task_grid",
    account="a",
    key="k",
    book="test",
    family="midjourney",
    operation="image",
    model="mj_imagine",
    state="succeeded",
    request=b'{"model": "mj_imagine", "prompt": "a fox"}',
    facts=b'{"action": "IMAGINE"}',
    details=b'{"buttons": [{"customId": "MJ::JOB::upsample::1::u"}]}',
)


def called(**fields: Any) -> MediaCall:
    return MediaCall(body=msgspec.json.encode({"taskId": "task_grid", **fields}))


def test_a_change_goes_on_with_the_prompt() -> None:
    ask = children.with_changed(children.decode_change(called(action="REROLL")), GRID)
    assert ask.request.prompt == "a fox"


def test_an_index_of_zero_is_as_none() -> None:
    # Clients whose numbers are never absent send 0 to redo all four; that was refused.
    asked = children.decode_change(called(action="REROLL", index=0)).request.parent
    assert asked is not None
    assert asked.index == 0
    with pytest.raises(InvalidRequest, match="index is required"):
        children.decode_change(called(action="UPSCALE", index=0))


def test_a_large_picture_is_not_changed() -> None:
    ask = children.decode_change(called(action="REROLL"))
    with pytest.raises(InvalidRequest, match="UPSCALE"):
        children.with_changed(ask, replace(GRID, facts=b'{"action": "UPSCALE"}'))


def test_a_task_of_another_family_is_changed_when_it_is_a_picture() -> None:
    ask = children.decode_change(called(action="REROLL"))
    children.with_changed(ask, replace(GRID, family="tasks", facts=b"{}"))
    with pytest.raises(InvalidRequest):
        children.with_changed(ask, replace(GRID, family="tasks", facts=b"{}", operation="image.blend"))


def test_only_the_tasks_own_buttons_are_pressed() -> None:
    children.with_pressed(children.decode_action(called(customId="MJ::JOB::upsample::1::u")), GRID)
    other = children.decode_action(called(customId="MJ::JOB::upsample::2::u"))
    with pytest.raises(InvalidRequest, match="no such button"):
        children.with_pressed(other, GRID)
    children.with_pressed(other, replace(GRID, details=b"{}"))  # an upstream may tell no buttons


def test_a_dialog_is_the_action_that_opened_it() -> None:
    waiting = replace(GRID, state="waiting_input", facts=b'{"action": "PAN", "custom_id": "x"}')
    ask = children.with_dialog(children.decode_modal(called(prompt="a hat")), waiting)
    assert msgspec.json.decode(ask.facts, type=TaskFacts).action == "PAN"
    assert (ask.request.prompt, ask.parent_states) == ("a hat", ("waiting_input", "running"))


def test_a_region_needs_its_mask() -> None:
    waiting = replace(GRID, state="waiting_input", facts=b'{"action": "INPAINT"}')
    with pytest.raises(InvalidRequest, match="maskBase64"):
        children.with_dialog(children.decode_modal(called(prompt="a hat")), waiting)


def test_a_custom_zoom_says_how_far() -> None:
    # Money was held, and the vendor refused.
    dialog = replace(GRID, facts=b'{"action": "CUSTOM_ZOOM"}')
    for prompt in ("", "a fox"):
        with pytest.raises(InvalidRequest, match="--zoom"):
            children.with_dialog(children.decode_modal(called(prompt=prompt)), dialog)
    assert children.with_dialog(children.decode_modal(called(prompt="a fox --zoom 1.8")), dialog).request.prompt == "a fox --zoom 1.8"


def test_what_is_drawn_from_a_shortened_prompt_has_not_the_long_one() -> None:
    shortened = replace(GRID, operation="image.shorten", details=b"{}")
    ask = children.with_pressed(children.decode_action(called(customId="MJ::Job::PromptAnalyzer::2")), shortened)
    assert ask.request.prompt == ""


def test_a_video_that_is_not_there_does_not_go_on() -> None:
    film = replace(GRID, operation="video", outputs=(TaskOutput(kind="video"), TaskOutput(kind="image")))
    assert children.with_video(request.decode_video(called(action="extend", index=0)), film).request.prompt == "a fox"
    with pytest.raises(InvalidRequest, match="1 videos"):
        children.with_video(request.decode_video(called(action="extend", index=1)), film)


def test_facts_are_read_back() -> None:
    assert facts_of(GRID).action == "IMAGINE"
