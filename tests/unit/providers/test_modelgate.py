"""Another Modelgate as a vendor of media: what is asked of its `/v1/tasks`, and what its answers mean."""

import msgspec
import pytest

from modelgate.core.providers import MediaOperation
from modelgate.formats.media.family import MediaCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, MusicRequest, Parent, VideoRequest
from modelgate.formats.tasks.request import decode_task
from modelgate.providers.modelgate import MAX_DETAILS_BYTES, PROVIDER

TASK: dict[str, object] = {"id": "task_there", "state": "running", "progress": 40, "outputs": [], "error": None}


def operation(name: str) -> MediaOperation:
    found = PROVIDER.operation(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("image", ImageRequest(model="m", prompt="p", n=2, seed=0, size="64x64", options={"kling_human_fidelity": 0.5})),
        ("video.extend", VideoRequest(model="m", prompt="p", seconds=5, quality="pro", sound=True, parent=Parent(output="clip"))),
        ("music", MusicRequest(model="m", lyrics="la", title="t", style="pop", instrumental=True)),
        ("video", VideoRequest(model="m", prompt="p", inputs=(MediaInput(url="https://a.example/a.png", role="last_frame"),))),
    ],
)
def test_the_other_reads_what_was_meant(name: str, request_: ImageRequest | VideoRequest | MusicRequest) -> None:
    call = operation(name).encode_submit(request_, "task_ours", "m")

    assert (call.method, call.path) == ("POST", "/v1/tasks")
    ask = decode_task(MediaCall(body=call.body, content_type="application/json"))
    assert (ask.operation, ask.request) == (name, request_)


def test_files_go_as_data_and_a_parent_by_its_name_there() -> None:
    wanted = VideoRequest(
        model="m", inputs=(MediaInput(data=b"\x00\x01", content_type="image/webp"),), parent=Parent(task="ours", vendor_task="theirs")
    )

    body = msgspec.json.decode(operation("video").encode_submit(wanted, "task_ours", "there").body)

    assert body["model"] == "there"
    assert body["input"]["inputs"] == [{"role": "image", "file": "data:image/webp;base64,AAE="}]
    assert body["input"]["parent"] == {"task": "theirs"}


def test_a_key_of_a_blob_is_no_file() -> None:
    with pytest.raises(ValueError, match="neither an address nor bytes"):
        operation("image").encode_submit(ImageRequest(model="m", inputs=(MediaInput(blob="b"),)), "t", "m")


def test_a_task_that_runs_goes_on() -> None:
    state = operation("image").parse_submit(200, msgspec.json.encode(TASK))

    assert (state.state, state.vendor_task, state.progress) == ("running", "task_there", 40)


def test_results_keep_their_names() -> None:
    output = {"kind": "audio", "id": "clip", "url": "https://a.example/a.mp3", "text": None, "duration_ms": 1500, "size_bytes": 3}
    parse_poll = operation("music").parse_poll
    assert parse_poll is not None

    state = parse_poll(200, msgspec.json.encode({**TASK, "state": "succeeded", "outputs": [output]}))

    (made,) = state.outputs
    assert (state.state, made.kind, made.vendor_id, made.url, made.duration_ms) == (
        "succeeded",
        "audio",
        "clip",
        "https://a.example/a.mp3",
        1500,
    )


def test_what_a_vendor_says_beside_its_results_is_carried() -> None:
    parse_poll = operation("image").parse_poll
    assert parse_poll is not None
    buttons = {"buttons": [{"customId": "MJ::JOB::upsample::1::x", "emoji": "", "label": "U1"}]}
    outputs = [
        {"kind": "image", "details": {"seed": 7}},
        {"kind": "image", "details": {"prompt": "x" * MAX_DETAILS_BYTES}},
    ]

    told = parse_poll(200, msgspec.json.encode({**TASK, "state": "succeeded", "outputs": outputs, "details": buttons}))
    asked = parse_poll(200, msgspec.json.encode({**TASK, "state": "waiting_input", "details": {"final_prompt": "a fox"}}))

    assert (told.details, [output.details for output in told.outputs]) == (buttons, [{"seed": 7}, {}])
    assert (asked.state, asked.details) == ("waiting_input", {"final_prompt": "a fox"})


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, {"code": 1, "description": "success", "result": "1234567"}, {"seed": "1234567"}),
        (200, {"code": 1, "description": "success", "result": ""}, {}),
        (200, {"code": 1, "description": "success", "result": "7" * 41}, {}),
        (200, {"code": 1, "description": "success", "result": 7}, {}),
        (400, {"code": 4, "description": "seed_not_known", "result": "7"}, {}),
    ],
)
def test_a_seed_is_asked_for_where_its_family_tells_it(status: int, body: dict[str, object], told: dict[str, str]) -> None:
    found = operation("image.action")
    assert found.encode_question is not None
    assert found.parse_question is not None

    assert found.encode_question("a/b").path == "/mj/task/a%2Fb/image-seed"
    assert found.parse_question(status, msgspec.json.encode(body)) == told


def test_a_dialog_there_is_filled_in_while_it_waits() -> None:
    wanted = ImageRequest(model="mj_modal", prompt="a hat", parent=Parent(task="ours", vendor_task="theirs"))

    call = operation("image.modal").encode_submit(wanted, "task_ours", "mj_modal")

    assert "waiting_input" in decode_task(MediaCall(body=call.body, content_type="application/json")).parent_states


@pytest.mark.parametrize(
    ("there", "here"), [("content_refused", "content_refused"), ("vendor_balance", "generation_failed"), ("expired", "generation_failed")]
)
def test_why_it_failed_is_told_unless_it_is_the_others_own_affair(there: str, here: str) -> None:
    parse_poll = operation("image").parse_poll
    assert parse_poll is not None

    state = parse_poll(200, msgspec.json.encode({**TASK, "state": "failed", "error": {"code": there, "message": "no"}}))

    assert (state.state, state.error_code) == ("failed", here)


@pytest.mark.parametrize(("state", "told"), [("canceled", "canceled"), ("running", None)])
def test_only_a_canceled_task_is_canceled(state: str, told: str | None) -> None:
    found = operation("image")
    assert found.encode_cancel is not None
    assert found.parse_cancel is not None

    assert found.encode_cancel("a/b").path == "/v1/tasks/a%2Fb/cancel"
    assert found.parse_cancel(200, msgspec.json.encode({**TASK, "state": state})).state == told


@pytest.mark.parametrize(("status", "body"), [(200, b"no"), (502, b'{"error": {"message": "m", "code": "c"}}'), (503, b"<html>")])
def test_what_leaves_it_open_is_left_open(status: int, body: bytes) -> None:
    state = operation("image").parse_submit(status, body)

    assert (state.state, state.refused) == (None, False)
