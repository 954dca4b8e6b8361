from modelgate.app.sandbox_upstreams import sandbox_upstreams, shown_paths, twins
from modelgate.providers import load_providers


def test_they_serve_the_test_book_alone_over_the_sandboxs_socket() -> None:
    upstreams = sandbox_upstreams("/data/run/sandbox.sock")
    assert [upstream.provider for upstream in upstreams] == [provider.name for provider, _ in twins()]
    assert {upstream.provider for upstream in upstreams} <= set(load_providers())
    assert len({upstream.id for upstream in upstreams}) == len(upstreams)
    for upstream in upstreams:
        assert (upstream.book, upstream.socket) == ("test", "/data/run/sandbox.sock")
        assert upstream.base_url.startswith("http://sandbox/")
        assert all(credential.secret for credential in upstream.credentials)


def test_each_is_at_its_vendors_own_path_below_its_name() -> None:
    places = {upstream.provider: upstream.base_url for upstream in sandbox_upstreams("/s")}
    assert places["luma"] == "http://sandbox/luma/dream-machine/v1"
    assert places["kling"] == "http://sandbox/kling"
    assert places["deepseek"] == places["openai"] == "http://sandbox/openai/v1"


def test_what_a_vendor_does_at_once_is_kept_to() -> None:
    most = {upstream.provider: upstream.max_concurrent for upstream in sandbox_upstreams("/s")}
    assert (most["ideogram"], most["kling"]) == (10, 0)


def test_what_callers_are_shown_is_below_its_vendors_name() -> None:
    assert "/suno/stream" in shown_paths()
    assert all(path.startswith("/") and path.split("/")[1] in load_providers() for path in shown_paths())
