"""vLLM: a server of one's own for open models. It asks for a key only when started with `--api-key`.

Source: docs.vllm.ai/en/latest/serving/openai_compatible_server.html, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="vllm",
    title="vLLM",
    base_url="http://127.0.0.1:8000/v1",
    formats=("openai_chat", "openai_completions", "openai_embeddings"),
    sign=bearer,
    environment={"VLLM_BASE_URL": "base_url", "VLLM_API_KEY": "secret"},
    quirks=Quirks(self_hosted=True, base_path="/v1", accepts=frozenset(("top_k",))),
    documentation="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (2026-11)",
)
