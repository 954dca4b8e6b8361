"""Settings: flags over variables over defaults, and every name documented."""

from pathlib import Path

import pytest

from modelgate.app.settings import Settings, SettingsError, describe, flag_of, load_settings, reachable_host, to_environment, variable_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.mark.parametrize("field", Settings.__struct_fields__)
def test_every_setting_is_documented(field: str) -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith(f"| `{flag_of(field)}` | `{variable_of(field)}` |")]
    assert len(rows) == 1
    assert describe(field)
    assert describe(field) in rows[0]


def test_a_flag_wins_over_its_variable() -> None:
    settings = load_settings({"port": 9000, "workers": None}, {"MODELGATE_PORT": "1", "MODELGATE_WORKERS": "3"})
    assert (settings.port, settings.workers) == (9000, 3)


def test_an_empty_variable_is_not_set() -> None:
    assert load_settings({}, {"MODELGATE_PORT": "", "MODELGATE_FETCH_PORTS": ""}) == Settings()


def test_lists_are_split_at_commas() -> None:
    settings = load_settings({"trusted_proxies": "10.0.0.0/8, ::1"}, {"MODELGATE_FETCH_PORTS": "80,443"})
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.fetch_ports == (80, 443)


def test_children_read_the_same_settings() -> None:
    settings = load_settings({"port": 9000, "trusted_proxies": "10.0.0.0/8,::1", "database": "postgresql://x/y", "drain_s": 3}, {})
    assert load_settings({}, to_environment(settings)) == settings


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("port", "x", "--port (MODELGATE_PORT) is not usable: it takes a whole number from 0 to 65535"),
        ("port", "70000", "--port (MODELGATE_PORT) is not usable: it takes a whole number from 0 to 65535"),
        ("port", "9" * 30, "--port (MODELGATE_PORT) is not usable: it takes a whole number from 0 to 65535"),
        ("workers", "0", "--workers (MODELGATE_WORKERS) is not usable: it takes a whole number from 1 to 256"),
        ("log_level", "loud", "--log-level (MODELGATE_LOG_LEVEL) is not usable: it is one of debug, info, warning, error"),
        ("fetch_ports", "80,a", "--fetch-ports (MODELGATE_FETCH_PORTS) is not usable: it takes whole numbers from 1 to 65535"),
        ("fetch_ports", "0", "--fetch-ports (MODELGATE_FETCH_PORTS) is not usable: it takes whole numbers from 1 to 65535"),
        ("tls_cert", "x.pem", "--tls-cert and --tls-key belong together: give both or neither"),
        *(
            ("public_url", url, f"--public-url (MODELGATE_PUBLIC_URL) takes http[s]://host[:port][/path], not {url!r}")
            for url in ("example.com", "http://", "https://a b/", "https://a.example/?b", "https://user@a.example")
        ),
        (
            "webhook_origins",
            "http://a.example/hook",
            "--webhook-origins (MODELGATE_WEBHOOK_ORIGINS) takes http[s]://host[:port], not 'http://a.example/hook'",
        ),
        ("blobs", "s3://", "--blobs (MODELGATE_BLOBS) is s3://bucket/prefix, or empty for the data directory"),
        ("blobs", "/srv", "--blobs (MODELGATE_BLOBS) is s3://bucket/prefix, or empty for the data directory"),
    ],
)
def test_a_wrong_value_is_named(field: str, value: str, text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({field: value}, {})
    assert str(raised.value) == text


def test_well_known_proxy_variables_are_a_fallback() -> None:
    assert load_settings({}, {"HTTPS_PROXY": "http://p:1", "no_proxy": "a,b"}).https_proxy == "http://p:1"
    assert load_settings({}, {"HTTPS_PROXY": "http://p:1", "MODELGATE_HTTPS_PROXY": "http://q:1"}).https_proxy == "http://q:1"


def test_a_proxy_header_of_a_caller_is_not_believed() -> None:
    """HTTP_PROXY in upper case is what a CGI server makes of a caller's `Proxy:` header."""
    assert load_settings({}, {"HTTP_PROXY": "http://evil:1"}).http_proxy == ""


def test_the_base_url_can_be_clicked() -> None:
    assert Settings(host="0.0.0.0").base_url == "http://127.0.0.1:8080"
    assert Settings(host="::", port=1).base_url == "http://[::1]:1"
    assert Settings(public_url="https://ai.example/").base_url == "https://ai.example"
    assert Settings(tls_cert="c", tls_key="k").base_url == "https://127.0.0.1:8080"
    assert reachable_host("localhost") == "localhost"


def test_sqlite_in_the_data_directory_unless_told() -> None:
    assert Settings(data="/srv/m").database_url == "sqlite:////srv/m/modelgate.db"
    assert Settings(database="postgresql://h/n").database_url == "postgresql://h/n"
