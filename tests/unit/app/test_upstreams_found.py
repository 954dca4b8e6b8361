"""Upstreams found in the environment."""

import pytest

from modelgate.app.upstreams_found import base_url_of, find_upstreams
from modelgate.providers import load_providers

PROVIDERS = load_providers()


def found(**environment: str) -> dict[str, tuple[str, str, bool, str]]:
    return {
        one.upstream.name: (one.upstream.base_url, one.upstream.credentials[0].secret, one.upstream.free, one.origin)
        for one in find_upstreams(PROVIDERS, environment)
    }


def test_nothing_is_found_in_an_empty_environment() -> None:
    assert found(PATH="/bin") == {}


def test_a_key_alone_is_enough() -> None:
    assert found(OPENAI_API_KEY="sk-a ") == {"openai": ("https://api.openai.com/v1", "sk-a", False, "OPENAI_API_KEY")}


def test_a_base_url_is_honoured_but_is_nothing_without_a_key() -> None:
    assert found(OPENAI_API_KEY="sk-a", OPENAI_BASE_URL="https://llm.example/v1/") == {
        "openai": ("https://llm.example/v1", "sk-a", False, "OPENAI_API_KEY and OPENAI_BASE_URL")
    }
    assert found(OPENAI_BASE_URL="https://llm.example/v1") == {}


def test_an_empty_variable_is_not_set() -> None:
    assert found(OPENAI_API_KEY="", KLING_API_KEY=" ") == {}


def test_ollama_is_found_by_its_address_and_is_free() -> None:
    assert found(OLLAMA_HOST="127.0.0.1:11434") == {"ollama": ("http://127.0.0.1:11434/v1", "", True, "OLLAMA_HOST")}


def test_where_everybody_has_an_address_of_his_own_a_key_is_not_enough() -> None:
    assert found(AZURE_OPENAI_API_KEY="key") == {}
    both = found(AZURE_OPENAI_API_KEY="key", AZURE_OPENAI_ENDPOINT="mine.openai.azure.com/")
    assert both["azure"][0] == "https://mine.openai.azure.com"


def test_an_address_without_a_path_gets_the_vendors() -> None:
    assert found(GROQ_API_KEY="key", GROQ_BASE_URL="https://proxy.example")["groq"][0] == "https://proxy.example/openai/v1"


def test_the_two_halves_of_a_kling_key_are_joined() -> None:
    assert found(KLING_ACCESS_KEY="ak", KLING_SECRET_KEY="sk")["kling"][1] == "ak|sk"
    assert found(KLING_ACCESS_KEY="ak") == {}
    assert found(KLING_API_KEY="key")["kling"][1] == "key"


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:8000", "http://127.0.0.1:8000/v1"),
        ("gpu.lan:11434", "http://gpu.lan:11434/v1"),
        ("http://gpu.lan:11434", "http://gpu.lan:11434/v1"),
        ("https://gpu.lan", "https://gpu.lan/v1"),
        ("https://gpu.lan/ollama/v1/", "https://gpu.lan/ollama/v1"),
        ("[::1]", "http://[::1]:11434/v1"),
        ("[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_addresses_as_ollama_takes_them(text: str, base_url: str) -> None:
    assert base_url_of(text, PROVIDERS["ollama"]) == base_url
