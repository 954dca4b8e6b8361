"""OpenAI's embeddings (POST /v1/embeddings). Source: the OpenAI API reference, read 2026-11."""
