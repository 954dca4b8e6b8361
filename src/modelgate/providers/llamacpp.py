"""llama.cpp's server: a server of one's own for open models. It asks for a key only when started with `--api-key`.

Source: github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="llamacpp",
    title="llama.cpp",
    base_url="http://127.0.0.1:8080/v1",
    formats=("openai_chat", "openai_completions", "openai_embeddings"),
    sign=bearer,
    environment={"LLAMACPP_BASE_URL": "base_url", "LLAMACPP_API_KEY": "secret"},
    quirks=Quirks(self_hosted=True, base_path="/v1", accepts=frozenset(("top_k",))),
    documentation="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md (2026-11)",
)
