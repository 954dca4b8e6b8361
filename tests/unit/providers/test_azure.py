from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.openai_chat.wire import WIRE_FORMAT
from modelgate.providers.azure import PROVIDER


def test_the_key_goes_in_a_header_of_its_own() -> None:
    assert PROVIDER.sign("secret", 0.0) == (("api-key", "secret"),)


def test_a_deployment_is_part_of_the_path() -> None:
    request = HttpRequest(
        method="POST", path="/", headers=HeaderBlock(), body=b'{"model":"gpt","messages":[{"role":"user","content":"hi"}]}'
    )
    ask = WIRE_FORMAT.pass_request(request, WIRE_FORMAT.peek(request), "my deployment", PROVIDER.quirks, None)  # type: ignore[arg-type]  # no ids in it
    assert ask.path == "/openai/deployments/my%20deployment/chat/completions"
    assert PROVIDER.quirks.query == "api-version=2024-10-21"
