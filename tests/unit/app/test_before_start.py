"""Settings that would only show later are refused by name before anything starts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelgate.app.before_start import LOOKED_INTO, check_before_start
from modelgate.app.data_directory import CannotStart
from modelgate.app.settings import Settings
from modelgate.sandbox.certificate import make_certificates

PROXY = "is not usable: it takes http://host:port or http://user:password@host:port"


def test_nothing_is_looked_into_that_is_not_set() -> None:
    assert not any(getattr(Settings(), field) for field in LOOKED_INTO)
    check_before_start(Settings())


def test_what_is_well(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(make_certificates(("localhost",), now=datetime.now(UTC)).authority)
    settings = Settings(ca_file=str(file), https_proxy="http://user:secret@proxy.example:3128", http_proxy="http://[::1]:1")
    check_before_start(settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            Settings(trusted_proxies=("banana",)),
            r"--trusted-proxies \(MODELGATE_TRUSTED_PROXIES\) is not usable: 'banana' is not an IP address",
        ),
        (Settings(ca_file="/nowhere/ca.pem"), r"--ca-file \(MODELGATE_CA_FILE\) /nowhere/ca.pem is not usable: No such file"),
        (Settings(https_proxy="proxy.example:3128"), rf"--https-proxy \(MODELGATE_HTTPS_PROXY, or HTTPS_PROXY\) {PROXY}"),
        (Settings(http_proxy="http://"), rf"--http-proxy \(MODELGATE_HTTP_PROXY, or http_proxy\) {PROXY}"),
        (Settings(http_proxy="http://a.example:x"), rf"--http-proxy \(MODELGATE_HTTP_PROXY, or http_proxy\) {PROXY}"),
        *(
            (Settings(https_proxy=proxy), rf"--https-proxy \(MODELGATE_HTTPS_PROXY, or HTTPS_PROXY\) {PROXY}")
            for proxy in ("proxy:3128", "https://proxy:1", "socks5://proxy:1", "http://")
        ),
        (Settings(tls_cert="/nowhere/a.pem", tls_key="/nowhere/b.pem"), "cannot serve HTTPS"),
    ],
)
def test_what_is_wrong_is_named(settings: Settings, text: str) -> None:
    """With such a proxy every upstream was left out in silence, and callers were told that there is no such model."""
    with pytest.raises(CannotStart, match=text):
        check_before_start(settings)


@pytest.mark.parametrize("proxy", ["socks5://user:secret@a.example:1", "https://user:secret@a.example", "user:secret@a.example"])
def test_a_proxys_password_is_not_said(proxy: str) -> None:
    with pytest.raises(CannotStart) as raised:
        check_before_start(Settings(https_proxy=proxy))
    assert "secret" not in str(raised.value)


def test_a_file_that_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(CannotStart, match=r"ca\.pem is not usable: there is no PEM certificate in it"):
        check_before_start(Settings(ca_file=str(tmp_path / "ca.pem")))
