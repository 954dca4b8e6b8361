"""The way in: several tasks of one request are taken together or not at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import BalanceExhausted, InvalidRequest, ModelNotAllowed, UnsupportedOperation
from modelgate.core.records import ApiKey, Credential, PriceRow, Snapshot, Task, TaskOutput, Upstream
from modelgate.formats.media.family import Ask, InputRules
from modelgate.formats.media.requests import ImageRequest, Parent, VideoRequest, encode_request
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.submissions import DEFAULT_DEADLINE_S, MediaDesk, Submissions, weight_of
from modelgate.identity.table import KeyTable
from modelgate.metering.prices import PriceEntry
from modelgate.metering.rates import RateCounters
from modelgate.providers import load_providers
from modelgate.telemetry.metrics import Metrics

NOW = 1_763_884_800.0
KEY = ApiKey(id="key_1", account="acct_1", book="test", name="k", digest="d", hint="…", models=("painter", "both"))
KLING = Upstream(
    id="up_1",
    name="u",
    provider="kling",
    base_url="https://vendor.example",
    book="test",
    models={"painter": "kling-v1", "both": "kling-v1"},
    credentials=(Credential(id="cred_1", secret="a|b"),),
)
GATE = msgspec.structs.replace(
    KLING, id="up_3", provider="modelgate", base_url="https://gate.example", models={"kling-v1": "", "film": "film"}
)
FLUX = msgspec.structs.replace(KLING, id="up_2", provider="bfl", models={"both": "flux-dev"})
PRICES = (PriceRow(model="painter", rates={"image": "0.01", "image:with_image": "0.02"}), PriceRow(model="both", free=True))
SNAPSHOT = Snapshot(version=1, upstreams=(KLING, FLUX), prices=PRICES)


class Store:
    """Takes tasks until its money is gone."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.tasks: dict[str, Task] = {}
        self.finished: list[tuple[str, str, int]] = []

    async def insert(self, task: Task, **_: Any) -> Task:
        if len(self.tasks) >= self.room:
            raise BalanceExhausted
        self.tasks[task.id] = task
        return task

    async def finish(self, task: Task, *, captured_nanos: int) -> Task:
        assert task.finished_at is not None
        self.finished.append((task.id, task.state, captured_nanos))
        return task

    async def claim(self, task_id: str, **_: Any) -> Task | None:
        return self.tasks.get(task_id)


class Mover:
    """Notes what it is to end."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []

    async def cancel(self, task: Task) -> Task:
        self.ended.append((task.id, task.state))
        return task


class Inputs:
    def __init__(self) -> None:
        self.discarded = 0
        self.rules: Mapping[str, InputRules] = {}

    async def store(self, request: ImageRequest, *, rules: Mapping[str, InputRules], **_: Any) -> ImageRequest:
        self.rules = rules
        return request

    async def discard(self, _: Any) -> None:
        self.discarded += 1


def submissions(
    folder: Path,
    *,
    store: Store,
    inputs: Inputs,
    snapshot: Snapshot = SNAPSHOT,
    shipped: tuple[PriceEntry, ...] = (),
    mover: Mover | None = None,
) -> Submissions:
    providers = load_providers()
    configuration = Configuration(snapshot, providers=providers, shipped=shipped, now=NOW)

    async def look_up(_: str) -> tuple[None, str, None]:
        return None, "", None

    desk = MediaDesk(
        keys=KeyTable(look_up),
        rates=RateCounters(folder / "rates", writer=0, writers=1),
        configuration=lambda: configuration,
        providers=providers,
        metrics=Metrics(),
        clock=lambda: NOW,
    )
    return Submissions(desk, inputs=inputs, store=store, mover=mover, log_fault=lambda *_: None)  # type: ignore[arg-type]  # what is used of them


def image(**fields: Any) -> Ask:
    return Ask(request=ImageRequest(**fields), operation="image")


async def drafts(used: Submissions, count: int) -> list[Task]:
    ask = Ask(request=ImageRequest(model="painter", prompt="x"), operation="image")
    terms = used.terms(KEY, ask, field_names={})
    return [
        await used.draft(
            KEY, family="f", ask=ask, terms=terms, rules={}, request_id=f"req_{number}"
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.anyio
async def test_tasks_of_one_request_are_taken_together_or_not_at_all(tmp_path: Path) -> None:
    """Symptom to avoid: a request that was refused for money left two of its three pictures behind, made and charged."""
    store, inputs = Store(room=2), Inputs()
    used = submissions(tmp_path, store=store, inputs=inputs)
    tasks = await drafts(used, 3)

    with pytest.raises(BalanceExhausted):
        await used.take(tasks, KEY)

    assert store.finished == [(tasks[0].id, "canceled", 0), (tasks[1].id, "canceled", 0)]
    assert inputs.discarded == 1

    store.room = 5
    assert await used.take(tasks, KEY) == tasks
    assert len(store.finished) == 2


def test_terms_hold_for_every_upstream_of_a_model(tmp_path: Path) -> None:
    used = submissions(tmp_path, store=Store(room=0), inputs=Inputs())
    painter = used.terms(KEY, image(model="painter", prompt="x", negative_prompt="y"), field_names={})
    both = used.terms(KEY, image(model="both", prompt="x", n=4), field_names={})
    assert (painter.max_n, painter.deadline_s) == (9, 1800.0)
    assert (both.max_n, both.deadline_s) == (1, 1800.0)
    assert both.deadline_s < DEFAULT_DEADLINE_S
    with pytest.raises(InvalidRequest, match="'not_so' is not understood") as refused:
        used.terms(KEY, image(model="both", prompt="x", negative_prompt="y"), field_names={"negative_prompt": "not_so"})
    assert (refused.value.param, refused.value.code) == ("not_so", "unsupported_parameter")
    with pytest.raises(ModelNotAllowed):
        used.terms(KEY, image(model="other", prompt="x"), field_names={})


def test_a_gateway_takes_every_word_and_the_defaults_of_the_models_own_vendor(tmp_path: Path) -> None:
    listed = PriceEntry(model="kling-v1", provider="kling", rates={"second": "0.028"}, serves=("video",))
    film = PriceRow(model="film", rates={"second": "0.1"})
    used = submissions(
        tmp_path,
        store=Store(room=0),
        inputs=Inputs(),
        snapshot=Snapshot(version=1, upstreams=(GATE,), prices=(film,)),
        shipped=(listed,),
    )
    key = msgspec.structs.replace(KEY, models=("kling-v1", "film"))

    wanted = VideoRequest(model="kling-v1", prompt="x", options={"some_word": 1})
    terms = used.terms(key, Ask(request=wanted, operation="video"), field_names={})

    assert terms.request == msgspec.structs.replace(wanted, seconds=5, quality="std")
    with pytest.raises(InvalidRequest, match="paid by the second") as refused:
        used.terms(key, Ask(request=VideoRequest(model="film", prompt="x"), operation="video"), field_names={"seconds": "duration"})
    assert refused.value.param == "duration"
    with pytest.raises(UnsupportedOperation):
        used.terms(key, Ask(request=ImageRequest(model="film", prompt="x"), operation="image"), field_names={})


def test_a_vendors_own_option_is_known_without_its_prefix(tmp_path: Path) -> None:
    """Kling's `cfg_scale` was "not understood by this model" where it was not called `kling_cfg_scale`."""
    snapshot = msgspec.structs.replace(SNAPSHOT, upstreams=(KLING,))
    wanted = submissions(tmp_path, store=Store(9), inputs=Inputs(), snapshot=snapshot)

    def terms(**options: Any) -> VideoRequest:
        ask = Ask(request=VideoRequest(model="both", prompt="p", options=options), operation="video")
        request = wanted.terms(KEY, ask, field_names={}).request
        assert isinstance(request, VideoRequest)
        return request

    assert terms(cfg_scale=0.5).options == terms(kling_cfg_scale=0.5).options == {"kling_cfg_scale": 0.5}
    with pytest.raises(InvalidRequest, match=r"^cfg_scale is 2, but") as refused:
        terms(cfg_scale=2)
    assert refused.value.param == "cfg_scale"
    for options in ({"cfg_scale": 0.5, "kling_cfg_scale": 0.4}, {"frame": "x"}, {"prompt": "x"}, {"scale": 1}):
        with pytest.raises(InvalidRequest, match="is not understood by this model"):
            terms(**options)


def test_a_refusal_shows_what_the_caller_wrote(tmp_path: Path) -> None:
    """Who asked for 800x600 was told that his size is "4:3"."""
    used = submissions(tmp_path, store=Store(9), inputs=Inputs(), snapshot=msgspec.structs.replace(SNAPSHOT, upstreams=(KLING,)))
    ask = Ask(request=VideoRequest(model="both", prompt="p", aspect_ratio="4:3"), operation="video", written={"aspect_ratio": "800x600"})
    for names, start in (({"aspect_ratio": "size"}, "size"), ({}, "aspect_ratio")):
        with pytest.raises(InvalidRequest, match=rf'^{start} is "800x600", but it must be one of 16:9, 9:16, 1:1') as refused:
            used.terms(KEY, ask, field_names=names)
        assert refused.value.param == start


def test_a_request_weighs_as_many_places_as_it_wants_results() -> None:
    assert weight_of(ImageRequest(model="painter", prompt="x", n=2)) == 2


@pytest.mark.anyio
async def test_a_dialog_that_was_filled_in_is_ended_without_its_vendor(tmp_path: Path) -> None:
    """Symptom: a dialog whose window the gateway had not seen yet was `running`; ending it stopped the vendor's one job, the filled-in one."""
    store, mover = Store(room=1), Mover()
    used = submissions(tmp_path, store=store, inputs=Inputs(), mover=mover)
    (draft,) = await drafts(used, 1)
    store.tasks[draft.id] = msgspec.structs.replace(draft, state="running", vendor_task="7")
    await used.end_dialog(draft.id)
    assert mover.ended == [(draft.id, "waiting_input")]


@pytest.mark.parametrize("upstream", [KLING, GATE], ids=["vendor", "gateway"])
def test_what_earlier_work_decides_is_not_the_callers_to_say(tmp_path: Path, upstream: Upstream) -> None:
    """An extension of a video in the dear mode was had at the price of the cheap one, by not naming the mode."""
    listed = PriceEntry(
        model="kling-v1", provider="kling", rates={"second": "0.028", "second:pro": "0.098"}, serves=("video", "video.extend")
    )
    used = submissions(
        tmp_path,
        store=Store(room=0),
        inputs=Inputs(),
        snapshot=Snapshot(version=1, upstreams=(msgspec.structs.replace(upstream, models={"kling-v1": ""}),), prices=()),
        shipped=(listed,),
    )
    key = msgspec.structs.replace(KEY, models=("kling-v1",))
    earlier = Task(
        id="task_1",
        account="acct_1",
        key="key_1",
        book="test",
        family="tasks",
        operation="video",
        model="kling-v1",
        state="succeeded",
        request=encode_request(VideoRequest(model="kling-v1", prompt="x", quality="pro", seconds=5)),
        outputs=(TaskOutput(kind="video", url="u", vendor_id="v1", duration_ms=5000), TaskOutput(kind="video", url="w")),
        upstream=upstream.id,
    )
    ask = Ask(request=VideoRequest(model="kling-v1", parent=Parent(task="task_1")), operation="video.extend")

    wanted = used.terms(key, ask, field_names={}, earlier=earlier).request

    assert isinstance(wanted, VideoRequest)
    assert (wanted.quality, wanted.seconds, wanted.parent) == ("pro", 5, Parent(task="task_1", output="v1"))
    cheap = msgspec.structs.replace(ask, request=msgspec.structs.replace(ask.request, quality="std"))
    with pytest.raises(InvalidRequest, match='mode is "std", but the earlier video decides: pro') as refused:
        used.terms(key, cheap, field_names={"quality": "mode"}, earlier=earlier)
    assert refused.value.param == "mode"


@pytest.mark.anyio
async def test_a_picture_keeps_to_the_rules_of_dialect_and_vendor(tmp_path: Path) -> None:
    """Kling refused small pictures and WebP of other dialects only after money was held, in its own words."""
    kept = Inputs()
    used = submissions(tmp_path, store=Store(room=0), inputs=kept)
    ask = image(model="painter", prompt="x")
    terms = used.terms(KEY, ask, field_names={})
    rule = InputRules(field="input_reference", content_types=("image/png", "image/webp"), max_bytes=99, max_ratio=3)
    rules = {"image": rule, "audio": rule}

    await used.draft(KEY, family="f", ask=ask, terms=terms, rules=rules, request_id="req_1")

    narrowed = kept.rules["image"]
    assert (narrowed.field, narrowed.content_types, narrowed.max_bytes) == ("input_reference", ("image/png",), 99)
    assert (narrowed.min_side_pixels, narrowed.max_ratio) == (300, 2.5)
    assert kept.rules["audio"] == rule
    both = used.terms(KEY, image(model="both", prompt="x"), field_names={})
    assert both.inputs == terms.inputs
