"""Which proxy the way to an upstream takes."""

import pytest

from modelgate.app.proxies import proxy_for
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
