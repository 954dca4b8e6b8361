"""The ways to use chat completions are requests that its dialect takes."""

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.formats.openai_chat.reference import ChatRequest
from modelgate.gateway.cases_chat import CHAT_CASES


@pytest.mark.parametrize("case", CHAT_CASES, ids=lambda case: case.name)
def test_a_case_fits_what_is_documented(case: Case) -> None:
    asked = msgspec.convert(case.request, ChatRequest)
    assert asked.model
    assert bool(asked.stream) == ("streaming" in case.name.split("-"))


def test_names_are_unique() -> None:
    assert len({case.name for case in CHAT_CASES}) == len(CHAT_CASES)
