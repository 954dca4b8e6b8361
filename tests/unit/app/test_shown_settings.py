"""What of a server's settings is shown."""

import pytest

from modelgate.app.settings import Settings
from modelgate.app.shown_settings import shown_settings


def test_every_setting_is_shown_with_what_it_is_for() -> None:
    shown = {one.name: one for one in shown_settings(Settings(public_url="https://gateway.example", fetch_ports=(80, 443)))}
    assert set(shown) == set(Settings.__struct_fields__)
    assert (shown["public_url"].value, shown["public_url"].flag) == ("https://gateway.example", "--public-url")
    assert shown["fetch_ports"].value == "80,443"
    assert all(one.description for one in shown.values())


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("postgresql://me:geheim@host/db", "postgresql://me:…@host/db"),
        ("postgresql://me:ge@heim:x@host/db?password=geheim", "postgresql://me:…@host/db?…"),
        ("http://:geheim@proxy:3128", "http://:…@proxy:3128"),
        ("http://proxy:3128", "http://proxy:3128"),
    ],
)
def test_passwords_in_addresses_are_not_shown(url: str, value: str) -> None:
    (shown,) = [one.value for one in shown_settings(Settings(https_proxy=url)) if one.name == "https_proxy"]
    assert shown == value
