import msgspec
import pytest

from modelgate.core.providers import MediaOperation, Provider, UpstreamCall, VendorState
from modelgate.core.records import Credential, Snapshot, Task, Upstream
from modelgate.routing.health import Health
from modelgate.routing.table import RouteTable
from modelgate.tasks.places import SANDBOX_PAUSE_S, ConfiguredPlaces, pause_of

OPERATION = MediaOperation(
    encode_submit=lambda *_: UpstreamCall(method="POST", path="/"),
    parse_submit=lambda *_: VendorState(),
    encode_poll=lambda _: UpstreamCall(method="GET", path="/"),
    parse_poll=lambda *_: VendorState(),
)
PROVIDERS = {"acme": Provider(name="acme", title="Acme", base_url="", media={"image": OPERATION}, sign=lambda secret, now: ())}
TASK = Task(id="task_a", account="a", key="k", book="test", family="f", operation="image", model="m", state="queued", request=b"{}")


def upstream(name: str, *, priority: int = 0, disabled: bool = False, credentials: tuple[Credential, ...] | None = None) -> Upstream:
    secrets = credentials if credentials is not None else (Credential(id=f"cred_{name}", secret="s"),)
    return Upstream(
        id=f"up_{name}", name=name, provider="acme", base_url="http://a", book="test", models={"m": f"{name}-m"}, credentials=secrets,
        priority=priority, disabled=disabled,
    )  # fmt: skip


class Compiled(msgspec.Struct):
    snapshot: Snapshot
    routes: RouteTable


def places(*upstreams: Upstream, health: Health | None = None) -> ConfiguredPlaces:
    compiled = Compiled(Snapshot(version=1, upstreams=upstreams), RouteTable(upstreams, providers=PROVIDERS, models_of=lambda _: ()))
    return ConfiguredPlaces(lambda: compiled, providers=PROVIDERS, health=health or Health(), clock=lambda: 100.0)


def test_candidates_come_by_priority_under_their_own_model_names() -> None:
    found = places(upstream("low"), upstream("high", priority=5), upstream("off", priority=9, disabled=True)).candidates(TASK)

    assert [(candidate.upstream.name, candidate.upstream_model) for candidate in found] == [("high", "high-m"), ("low", "low-m")]


def test_one_that_asked_to_be_left_alone_is_left_alone() -> None:
    health = Health()
    known = places(upstream("a"), upstream("b"), health=health)
    (busy,) = [candidate for candidate in known.candidates(TASK) if candidate.upstream.name == "a"]
    health.note_failure(busy.place, 100.0, retry_after_s=60.0)

    assert [candidate.upstream.name for candidate in known.candidates(TASK)] == ["b"]


def test_the_holder_is_found_even_when_disabled_since() -> None:
    task = msgspec.structs.replace(TASK, upstream="up_a", credential="cred_a")
    found = places(upstream("b"), upstream("a", disabled=True)).holder(task)

    assert found is not None
    assert (found.upstream.name, found.credential.id) == ("a", "cred_a")


@pytest.mark.parametrize(("credentials", "expected"), [((Credential(id="off", disabled=True), Credential(id="new")), "new"), ((), None)])
def test_a_credential_that_is_gone_is_replaced_by_another_of_its_upstream(
    credentials: tuple[Credential, ...], expected: str | None
) -> None:
    task = msgspec.structs.replace(TASK, upstream="up_a", credential="cred_old")
    found = places(upstream("a", credentials=credentials)).holder(task)

    assert (found.credential.id if found else None) == expected


def test_an_upstream_that_is_gone_holds_nothing() -> None:
    assert places(upstream("a")).holder(msgspec.structs.replace(TASK, upstream="up_b")) is None


def test_operations_are_the_providers() -> None:
    known = places(upstream("a"))

    assert known.operation(upstream("a"), "image") is OPERATION
    assert known.operation(upstream("a"), "video") is None
    assert known.operation(msgspec.structs.replace(upstream("a"), provider="unheard"), "image") is None


def test_the_sandbox_is_asked_often_and_vendors_as_they_wish() -> None:
    operation = msgspec.structs.replace(OPERATION, poll_interval_s=5.0)
    vendor = Upstream(id="u", name="u", provider="acme", base_url="https://acme.example", book="live")
    assert pause_of(vendor, operation) == 5.0
    assert pause_of(msgspec.structs.replace(vendor, socket="/run/sandbox.sock"), operation) == SANDBOX_PAUSE_S
    assert pause_of(msgspec.structs.replace(vendor, socket="/x"), msgspec.structs.replace(operation, poll_interval_s=0.1)) == 0.1
