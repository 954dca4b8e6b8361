"""OpenAI's moderation (POST /v1/moderations). Source: the OpenAI API reference, read 2026-11."""
