from collections.abc import Callable

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.limits import cannot, check_flags, check_most, check_one_of, check_option, list_in, need_prompt
from modelgate.formats.media.requests import MediaInput, VideoRequest

EMPTY = VideoRequest(model="m")
SAID = VideoRequest(model="m", prompt="a fox", aspect_ratio="1:1", seconds=5, inputs=(MediaInput(url="https://f.example/a"),) * 2)
OPTIONS = {"mode": "a", "loop": True, "tags": ["x"], "level": 2}


@pytest.mark.parametrize(
    ("check", "param", "message"),
    [
        (lambda: need_prompt(EMPTY), "prompt", "prompt is required: say what it shows."),
        (lambda: check_one_of(SAID, "seconds", (4, 6), "ray"), "seconds", "seconds is 5, but ray makes 4, 6."),
        (
            lambda: check_one_of(SAID, "aspect_ratio", {"16:9": ""}),
            "aspect_ratio",
            'aspect_ratio is "1:1", but it must be one of 16:9.',
        ),
        (lambda: check_option(OPTIONS, "mode", ("b",)), "mode", 'mode is "a", but it must be one of b.'),
        (lambda: check_option({"mode": ["b"]}, "mode", {"b": 1}), "mode", 'mode is ["b"], but it must be one of b.'),
        (lambda: check_option(OPTIONS, "loop", (1, 2)), "loop", "loop is true, but it must be one of 1, 2."),
        (lambda: check_flags(OPTIONS, "loop", "level"), "level", "level is 2, but it must be true or false."),
        (lambda: list_in(OPTIONS, "mode"), "mode", 'mode is "a", but it must be a list.'),
        (lambda: check_most(SAID, {"mask": 0, "image": 1}), "image", "image is 2, but at most 1 can be used."),
    ],
)
def test_what_breaks_a_rule_is_named(check: Callable[[], object], param: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check()
    assert (caught.value.param, caught.value.message) == (param, message)


def test_what_keeps_to_the_rules_or_is_not_said_passes() -> None:
    need_prompt(SAID)
    check_one_of(SAID, "seconds", (5,))
    check_one_of(EMPTY, "seconds", (5,))
    check_option(OPTIONS, "level", range(1, 3))
    check_option({}, "level", ())
    check_flags({"loop": False}, "loop", "other")
    check_most(SAID, {"image": 2})
    assert (list_in(OPTIONS, "tags"), list_in({}, "tags")) == (["x"], [])


def test_what_may_be_said_but_not_here() -> None:
    error = cannot("last_frame", "it needs a first one")
    assert (error.message, error.param, error.code) == ("last_frame cannot be used: it needs a first one.", "last_frame", "invalid_value")
