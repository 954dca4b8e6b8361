"""OpenAI's translations of speech into English (POST /v1/audio/translations). Source: the OpenAI API reference, read 2026-11."""
