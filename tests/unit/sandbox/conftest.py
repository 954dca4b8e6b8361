"""One tokenizer for all sandbox tests: building it takes half a second."""

import pytest

from modelgate.sandbox.tokens import Tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer()
