"""Every provider answers the same list. Providers are found by scanning the folder."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import NO_QUIRKS, Provider
from modelgate.formats.chat.request import ChatRequest, Message, Text
from modelgate.formats.chat.wire_format import load_wire_formats
from modelgate.formats.media.family import load_media_families
from modelgate.formats.media.requests import REQUEST_TYPES, kind_of, said_fields
from modelgate.formats.single.single_format import load_single_formats
from modelgate.formats.tasks.schema import ROLES
from modelgate.providers import load_providers

PROVIDERS = load_providers()
SPOKEN_FORMATS = {*load_wire_formats(), *load_single_formats(), "gemini_embeddings"}  # the last is declared ahead of its dialect
ADDRESSED_BY_THEIR_OWNERS = {"azure", "midjourney", "modelgate", "newapi", "suno"}
"""Where everybody has an address of his own."""
ACCEPTED = {"cache", "file_url", "image_config", "top_k"}
OPTION_PREFIXES = tuple(f"{name}_" for name in ("bfl", *(family.name for family in load_media_families())))
DIALECT_FIELDS = {"max_tokens", "max_completion_tokens", "seed", "user", "stop"}
PAGE = (Path(__file__).parents[3] / "docs" / "providers.md").read_text()
SECRET = "sk-vendor-secret"


def test_every_file_is_a_provider_of_its_own_name() -> None:
    assert {"kling", "openai", "deepseek", "azure"} <= set(PROVIDERS)
    assert all(provider.name == name for name, provider in PROVIDERS.items())
    titles = [provider.title for provider in PROVIDERS.values()]
    assert len(set(titles)) == len(titles)


def test_no_two_providers_take_the_same_variable() -> None:
    variables = [name for provider in PROVIDERS.values() for name in provider.environment]
    assert sorted(set(variables)) == sorted(variables)


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Provider:
    return PROVIDERS[request.param]


def test_it_says_who_it_is_and_where_that_is_from(provider: Provider) -> None:
    assert provider.title
    assert re.search(r"\(?20\d\d-\d\d\)?$", provider.documentation), "the month in which its page was read"
    assert provider.documentation.startswith(("https://", "docs/"))


def test_its_address_is_safe_or_its_owners(provider: Provider) -> None:
    if provider.name in ADDRESSED_BY_THEIR_OWNERS:
        assert provider.base_url == ""
        return
    address = urlsplit(provider.base_url)
    assert address.hostname
    assert not provider.base_url.endswith("/")
    assert address.scheme == "https" or (provider.quirks.self_hosted and address.hostname == "127.0.0.1")
    assert provider.quirks.base_path in ("", address.path)


def test_it_serves_something_that_is_known(provider: Provider) -> None:
    assert provider.formats or provider.media
    assert set(provider.formats) <= SPOKEN_FORMATS
    assert set(provider.elsewhere_formats) <= set(provider.formats)
    assert len(set(provider.formats)) == len(provider.formats)


def test_what_completes_a_request_says_only_what_is_understood(provider: Provider) -> None:
    """Another gateway is asked in words completed by the model's own vendor, and refuses what that does not take."""
    for name, operation in provider.media.items():
        if operation.complete is not None:
            completed = operation.complete(REQUEST_TYPES[kind_of(name)](model="m"), "m")
            assert set(said_fields(completed)) <= operation.takes, name


def test_what_it_understands_can_be_said_the_plain_way(provider: Provider) -> None:
    """Another gateway is asked by `/v1/tasks`: a role of inputs that is not known there could not be passed on."""
    neutral = {field for request in REQUEST_TYPES.values() for field in request.__struct_fields__}
    for name, operation in provider.media.items():
        roles = {word for word in operation.takes - neutral if not word.startswith(OPTION_PREFIXES)}
        assert roles <= set(ROLES), name


def test_it_signs(provider: Provider) -> None:
    secret = "ACCESS|SECRET" if provider.name == "kling" else SECRET
    signed = HeaderBlock.of(*provider.sign(secret, 1_700_000_000.0))
    assert signed.raw
    if secret == SECRET:
        assert SECRET.encode() in signed.raw
    if provider.formats:
        assert provider.sign("", 0.0) == ()


def test_its_variables_hold_what_can_be_held(provider: Provider) -> None:
    assert set(provider.environment.values()) <= {"secret", "base_url"}
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*(\|[A-Z][A-Z0-9_]*)*", name) for name in provider.environment)


def test_its_quirks_name_what_there_is(provider: Provider) -> None:
    quirks = provider.quirks
    assert quirks.refuses <= set(ChatRequest.__struct_fields__)
    assert not quirks.refuses & {"model", "messages", "system", "stream", "tools", "tool_choice", "max_output_tokens"}, (
        "the meaning changes"
    )
    assert quirks.accepts <= ACCEPTED
    assert set(quirks.renames) <= DIALECT_FIELDS
    assert not set(quirks.renames) & set(quirks.renames.values())
    assert set(quirks.paths) <= {*SPOKEN_FORMATS, "models"}
    assert all(path.startswith("/") for path in quirks.paths.values())
    assert not quirks.query.startswith("?")


SPOKEN = [(name, spoken) for name, provider in PROVIDERS.items() for spoken in provider.formats if spoken in load_wire_formats()]


@pytest.mark.parametrize(("name", "spoken"), SPOKEN)
def test_a_conversation_can_be_put_to_it(name: str, spoken: str) -> None:
    asked = ChatRequest(model="alias", messages=(Message(role="user", parts=(Text(text="hi"),)),), stream=True, max_output_tokens=5)
    ask = load_wire_formats()[spoken].encode_request(asked, "vendor/model", PROVIDERS[name].quirks)
    assert ask.path.startswith("/")
    assert isinstance(msgspec.json.decode(ask.body), dict)
    assert ask.ignored == ()


def test_it_is_documented(provider: Provider) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{provider.name}` |")]
    assert provider.title in row
    assert provider.base_url in row
    assert all(f"`{name}`" in row for names in provider.environment for name in names.split("|"))


def test_vendors_without_quirks_are_plain() -> None:
    assert NO_QUIRKS.renames == {}
    assert PROVIDERS["openai"].quirks is NO_QUIRKS
