"""What a key may be told."""

import pytest

from modelgate.identity.key_bounds import MAX_EXPIRY_AT, check_expiry, clean_models, clean_names, clean_networks


def test_a_key_ends_in_the_future_or_never() -> None:
    check_expiry(None, now=5.0)
    check_expiry(6.0, now=5.0)
    for at in (5.0, MAX_EXPIRY_AT + 1.0):
        with pytest.raises(ValueError, match="it is"):
            check_expiry(at, now=5.0)


def test_names_are_kept_once_without_space_around_them() -> None:
    assert clean_names([" a", "b", "a "]) == ("a", "b")
    with pytest.raises(ValueError, match="empty"):
        clean_names(["a", " "])


def test_a_star_stands_at_the_end_of_a_models_name_only() -> None:
    assert clean_models(["gpt-*", " *", "o3"]) == ("gpt-*", "*", "o3")
    for name in ("*-mini", "gpt-*-mini", "gpt-**"):
        with pytest.raises(ValueError, match=r"stands at its end only"):
            clean_models(["gpt-4o", name])


def test_networks_are_checked() -> None:
    assert clean_networks(["10.0.0.0/8", " 2001:db8::1 "]) == ("10.0.0.0/8", "2001:db8::1")
    with pytest.raises(ValueError, match="300"):
        clean_networks(["300.1.1.1"])
