"""Which proxy the way to an upstream takes, and which settings of it are refused at the start."""

from pathlib import Path

import pytest

from modelgate.app.data_directory import CannotStart
from modelgate.app.proxies import check_ways_out, proxy_for
from modelgate.app.settings import Settings

SETTINGS = Settings(https_proxy="http://proxy:1", http_proxy="http://proxy:2", no_proxy="localhost,.lan")


@pytest.mark.parametrize(
    ("base_url", "proxy"),
    [
        ("https://api.openai.com/v1", "http://proxy:1"),
        ("http://llm.example/v1", "http://proxy:2"),
        ("http://localhost:8000/v1", ""),
        ("https://gpu.lan/v1", ""),
    ],
)
def test_scheme_and_exemptions_choose_the_proxy(base_url: str, proxy: str) -> None:
    assert proxy_for(SETTINGS, base_url) == proxy


def test_without_settings_there_is_no_proxy() -> None:
    assert proxy_for(Settings(), "https://api.openai.com/v1") == ""


@pytest.mark.parametrize("proxy", ["proxy:3128", "https://proxy:1", "socks5://proxy:1", "http://"])
def test_symptom_behind_a_proxy_that_cannot_be_used_there_seemed_to_be_no_upstream(proxy: str) -> None:
    """The server started, and whoever asked was told that the model is not here."""
    with pytest.raises(CannotStart, match=r"--https-proxy \(MODELGATE_HTTPS_PROXY or HTTPS_PROXY or https_proxy\) is not an http:// URL"):
        check_ways_out(Settings(https_proxy=proxy))


def test_a_proxys_password_is_not_shown() -> None:
    with pytest.raises(CannotStart, match=r"--http-proxy .*'…@proxy:1'") as raised:
        check_ways_out(Settings(http_proxy="socks5://user:hidden@proxy:1"))
    assert "hidden" not in str(raised.value)


def test_a_file_of_authorities_that_is_none_is_told_at_the_start(tmp_path: Path) -> None:
    check_ways_out(SETTINGS)
    file = tmp_path / "ca.pem"
    with pytest.raises(CannotStart, match=r"--ca-file .* cannot be read: No such file"):
        check_ways_out(Settings(ca_file=str(file)))
    file.write_text("no certificate")
    with pytest.raises(CannotStart, match="holds no certificate in PEM"):
        check_ways_out(Settings(ca_file=str(file)))
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    check_ways_out(Settings(ca_file=str(file)))
