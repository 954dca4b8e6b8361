"""Ollama: local models behind an OpenAI-compatible door, free of charge. It asks for no key; one set for a proxy in front of it is sent.

Source: github.com/ollama/ollama, docs/openai.md, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="ollama",
    title="Ollama",
    base_url="http://127.0.0.1:11434/v1",
    formats=("openai_chat",),
    sign=bearer,
    environment={"OLLAMA_HOST": "base_url"},
    quirks=Quirks(self_hosted=True, base_path="/v1"),
    documentation="https://github.com/ollama/ollama/blob/main/docs/openai.md (2026-11)",
)
