"""OpenAI's edits of pictures (POST /v1/images/edits), as a form or as JSON. Source: the OpenAI API reference, read 2026-11."""
