"""Gemini's embeddings (POST /v1beta/models/{model}:embedContent and :batchEmbedContents), both ways, as pure functions.

Path, names and errors are those of `gemini_content`. Source: ai.google.dev/api/embeddings, read 2026-11.
"""

NAME = "gemini_embeddings"
