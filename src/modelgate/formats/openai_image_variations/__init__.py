"""OpenAI's variations of a picture (POST /v1/images/variations). Source: the OpenAI API reference, read 2026-11."""
