"""Settings in the database: each is documented, and nothing else is taken."""

from decimal import Decimal
from pathlib import Path

import pytest

from modelgate.app.book import ORPHANS_SETTING
from modelgate.app.operator_settings import OPERATOR_SETTINGS, check_setting
from modelgate.gateway.cached_calls import HIT_PRICE_SETTING

DOCUMENT = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.mark.parametrize("name", sorted(OPERATOR_SETTINGS))
def test_every_setting_is_documented(name: str) -> None:
    setting = OPERATOR_SETTINGS[name]
    takes = ", ".join(f"`{value}`" for value in setting.values)
    assert f"| `{name}` | {takes} | `{setting.default}` | {setting.description} |" in DOCUMENT.read_text()
    assert setting.default in setting.values


def test_what_the_book_follows_can_be_set() -> None:
    check_setting(ORPHANS_SETTING, "yes")


@pytest.mark.parametrize("value", ["0", "1", "0.25", "1.0"])
def test_a_share_is_a_decimal_from_nothing_to_all(value: str) -> None:
    check_setting(HIT_PRICE_SETTING, value)
    Decimal(value)


@pytest.mark.parametrize("value", ["", "1.1", "-0.1", "0.1234567", "1e-1", "١", "nan", "0,5"])
def test_what_is_no_share_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cache_hit_price is a decimal from 0 to 1"):
        check_setting(HIT_PRICE_SETTING, value)


@pytest.mark.parametrize(("name", "value"), [("charge_orphans", "perhaps"), ("colour", "red")])
def test_what_is_no_setting_or_value_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="charge_orphans"):
        check_setting(name, value)


@pytest.mark.parametrize("value", ["0", "1", "1000000000", "1000000000000"])
def test_a_credit_is_whole_billionths_up_to_a_bound(value: str) -> None:
    check_setting("sign_up_credit_nanos", value)


@pytest.mark.parametrize("value", ["", "-1", "1.5", "01", "1000000000001", "10000000000000"])
def test_what_is_no_credit_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="sign_up_credit_nanos is a whole number"):
        check_setting("sign_up_credit_nanos", value)
