"""OpenAI's speech (POST /v1/audio/speech): a text read aloud, as a file or as events. Source: the OpenAI API reference, read 2026-11."""
