import pytest

from modelgate.core.errors import InvalidRequest, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.gemini_content.address import Address, check_model, parse_address, upstream_path


def parsed(path: str, query: str = "") -> Address:
    return parse_address(HttpRequest(method="POST", path=path, query=query, headers=HeaderBlock()))


@pytest.mark.parametrize(
    ("path", "version", "model", "method"),
    [
        ("/v1beta/models/gemini-2.5-flash:generateContent", "v1beta", "gemini-2.5-flash", "generateContent"),
        ("/v1/models/models/x:countTokens", "v1", "x", "countTokens"),
        ("/v1beta/models/a%2Fb%3Ac:embedContent", "v1beta", "a/b:c", "embedContent"),
        ("/v1beta/models/llama3:8b:generateContent", "v1beta", "llama3:8b", "generateContent"),
        ("/v1beta/tunedModels/mine:generateContent", "v1beta", "tunedModels/mine", "generateContent"),
        ("/v1beta/models/gr%C3%BC%C3%9Fe:generateContent", "v1beta", "grüße", "generateContent"),
    ],
)
def test_the_path_says_model_and_method(path: str, version: str, model: str, method: str) -> None:
    found = parsed(path)
    assert (found.version, found.model, found.method) == (version, model, method)


@pytest.mark.parametrize("path", ["/v1beta/models/x", "/v2/models/x:y", "/v1beta/models", "/v1beta/files/x:y"])
def test_other_paths_are_unknown(path: str) -> None:
    with pytest.raises(UnknownPath):
        parsed(path)


@pytest.mark.parametrize("path", ["/v1beta/models/%ff:generateContent", "/v1beta/models/:generateContent", f"/v1/models/{'x' * 300}:m"])
def test_what_is_no_name_of_a_model_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(path)
    assert caught.value.param == "model"


def test_a_line_end_in_a_name_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        check_model("a\r\nb")


@pytest.mark.parametrize(
    ("query", "is_sse", "kept"),
    [
        ("", False, ()),
        ("alt=sse", True, ()),
        ("alt=json&key=secret&$prettyPrint=1", False, ("$prettyPrint=1",)),
        ("%61lt=sse&K%65y=secret&access_token=t&fields=candidates&%24fields=x&callback=f&a=1", True, ("a=1",)),
        ("$alt=sse&alt=json", False, ()),
    ],
)
def test_of_the_query_keys_and_masks_do_not_go_on(query: str, is_sse: bool, kept: tuple[str, ...]) -> None:
    found = parsed("/v1/models/x:streamGenerateContent", query)
    assert (found.is_sse, found.query, found.is_stream) == (is_sse, kept, True)


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed("/v1/models/x:generateContent", "alt=proto")
    assert caught.value.param == "alt"


def test_the_upstreams_path_is_quoted() -> None:
    path = upstream_path("/v1/models/{model}", model="models/a b?", method="m", query=("", "x=1"), is_sse=True)
    assert path == "/v1/models/a%20b%3F:m?alt=sse&x=1"
