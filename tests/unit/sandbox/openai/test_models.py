import pytest

from modelgate.sandbox.magic import is_served
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.models import MODELS, check_known


def test_every_listed_model_is_served() -> None:
    assert "gpt-4o" in MODELS
    assert [model for model in MODELS if not is_served(model)] == []


def test_others_are_refused() -> None:
    check_known("vendor/any:name")
    with pytest.raises(Refused) as caught:
        check_known("sandbox-nothing")
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")
