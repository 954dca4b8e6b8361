import pytest

from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.models import MODELS, hidden_tokens, list_models, render_model, traits_of


def test_pages_follow_each_other() -> None:
    names, token = [], ""
    while True:
        page = list_models(page_size="4", page_token=token)
        names += [model["name"] for model in page["models"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert names == [f"models/{model}" for model in MODELS]
    assert len(list_models(page_size="", page_token="")["models"]) == min(50, len(MODELS))


@pytest.mark.parametrize(("size", "token"), [("x", ""), ("-1", ""), ("", "?"), ("", "ZnJvbSB4")])
def test_bad_pages_are_refused(size: str, token: str) -> None:
    with pytest.raises(GeminiRefused):
        list_models(page_size=size, page_token=token)


@pytest.mark.parametrize(
    ("model", "method", "can"),
    [
        ("gemini-2.5-flash", "streamGenerateContent", True),
        ("gemini-2.5-flash", "batchEmbedContents", False),
        ("gemini-embedding-001", "batchEmbedContents", True),
        ("gemini-embedding-001", "generateContent", False),
        ("text-embedding-004", "embedContent", True),
        ("sandbox-error-429", "embedContent", True),
        ("anything", "generateContent", True),
    ],
)
def test_methods(model: str, method: str, can: bool) -> None:
    assert traits_of(model).can(method) is can


@pytest.mark.parametrize(
    ("model", "thinking", "tokens"),
    [
        ("gemini-2.5-flash", {}, 64),
        ("gemini-2.5-flash", {"thinkingBudget": 0}, 0),
        ("gemini-2.5-flash", {"thinkingBudget": 100}, 25),
        ("gemini-2.5-flash", {"thinkingBudget": -1}, 64),
        ("gemini-2.5-pro", {"thinkingBudget": 32_768}, 128),
        ("gemini-2.5-flash-lite", {}, 0),
        ("gemini-3-pro-preview", {"thinkingLevel": "LOW"}, 32),
        ("gemini-2.0-flash", {}, 0),
        ("sandbox-chat", {}, 0),
        ("sandbox-chat", {"includeThoughts": True}, 64),
    ],
)
def test_how_much_is_thought(model: str, thinking: dict[str, object], tokens: int) -> None:
    assert hidden_tokens(traits_of(model), thinking) == tokens


def test_one_model() -> None:
    model = render_model("gemini-embedding-001")
    assert model["supportedGenerationMethods"] == ["embedContent", "countTokens"]
    assert "thinking" not in model
    assert render_model("gemini-2.5-pro")["thinking"] is True
