"""The OpenAI completions dialect (POST /v1/completions), the legacy way to have a text continued.

Between a client and an upstream that both speak it bytes pass. A client's single text is translated for the upstreams of other dialects
as a conversation of one turn; several prompts, tokens and what only a text model can do (`echo`, `suffix`, `best_of`, `logprobs`) are
refused then. As an upstream's dialect it is never chosen for callers of another: it has no word for most of what they say.
Source: the OpenAI API reference, read 2026-11.

    schema    the parts that are looked at
    request   requests looked at, read into the hub, written for an upstream
    response  whole answers written and read
    stream    streams written and read
    passage   requests, answers and streams that pass
    wire      WIRE_FORMAT
    reference types for the documentation
"""

NAME = "openai_completions"
