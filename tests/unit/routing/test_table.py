from modelgate.core.providers import MediaOperation, Provider, UpstreamCall, VendorState
from modelgate.core.records import Credential, Upstream
from modelgate.routing.table import RouteTable

PROVIDERS = {"openai": Provider(name="openai", title="", base_url="", formats=("openai_chat",), sign=lambda secret, now: ())}
SECRET = (Credential(id="cred_1", secret="s"),)


def table(*upstreams: Upstream) -> RouteTable:
    return RouteTable(upstreams, providers=PROVIDERS, models_of=lambda provider, book, operation: ("priced",))


def upstream(name: str, **more: object) -> Upstream:
    return Upstream(
        **{"id": name, "name": name, "provider": "openai", "base_url": "http://x", "book": "live", "credentials": SECRET, **more}
    )  # type: ignore[arg-type]


def test_a_model_is_found_at_every_upstream_that_lists_it_higher_priority_first() -> None:
    routes = table(upstream("low", models={"m": "m-low"}), upstream("high", models={"m": "m-high"}, priority=5)).find(
        book="live", operation="chat", model="m"
    )
    assert [(r.upstream.id, r.upstream_model) for r in routes] == [("high", "m-high"), ("low", "m-low")]


def test_without_a_list_an_upstream_serves_what_is_priced_for_its_provider() -> None:
    assert table(upstream("a")).models(book="live", operation="chat") == ("priced",)


def test_a_free_server_of_ones_own_without_a_list_takes_any_name_that_nobody_lists() -> None:
    both = table(upstream("own", free=True), upstream("listed", models={"m": "m"}))
    assert [r.upstream.id for r in both.find(book="live", operation="chat", model="m")] == ["listed"]
    assert [r.upstream.id for r in both.find(book="live", operation="chat", model="anything")] == ["own"]


def test_the_books_do_not_see_each_others_upstreams() -> None:
    assert table(upstream("a", book="test")).find(book="live", operation="chat", model="priced") == ()


def test_disabled_upstreams_and_credentials_have_no_route() -> None:
    off = Credential(id="cred_2", secret="s", disabled=True)
    assert table(upstream("a", disabled=True)).find(book="live", operation="chat", model="priced") == ()
    assert table(upstream("a", credentials=(off,))).find(book="live", operation="chat", model="priced") == ()


def test_what_a_model_is_served_for() -> None:
    found = table(upstream("a"), upstream("b", book="test", models={"m": ""}))
    assert found.operations_of(book="live", model="priced") == ("chat",)
    assert found.operations_of(book="test", model="m") == ("chat",)
    assert found.operations_of(book="test", model="priced") == found.operations_of(book="live", model="m") == ()


def test_an_operation_the_provider_does_not_speak_has_no_route() -> None:
    assert table(upstream("a")).find(book="live", operation="image", model="priced") == ()


def test_a_gateway_does_every_operation_that_somebody_does_with_the_models_that_are_for_it() -> None:
    operation = MediaOperation(encode_submit=lambda *_: UpstreamCall(method="POST", path="/"), parse_submit=lambda *_: VendorState())
    vendor = Provider(name="vendor", title="", base_url="", media={"image": operation, "video": operation}, sign=lambda secret, now: ())
    gateway = Provider(name="gateway", title="", base_url="", media_any=lambda name: operation, sign=lambda secret, now: ())

    routes = RouteTable(
        (upstream("there", provider="gateway", models={"m": "m", "talker": "talker"}),),
        providers={"vendor": vendor, "gateway": gateway},
        models_of=lambda provider, book, operation: (),
        serves=lambda model, operation: (model, operation) == ("m", "video"),
    )

    assert routes.models(book="live", operation="video") == ("m",)
    assert routes.models(book="live", operation="image") == ()
