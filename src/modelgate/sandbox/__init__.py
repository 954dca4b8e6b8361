"""Make-believe vendors: each checks what the real one checks and answers deterministically and sensibly.

Its own process, reached through the ordinary transport over a real socket. Written from the vendors' contracts, apart from the
adapters that call them, so that an adapter which would fail at the vendor fails here.

What lives here
    server           the ASGI application of all vendors, and a protocol that can drop a connection
    openai           OpenAI's endpoints put together; `openai_gate` (key, body, count: the way in), `openai_sending` (the way out)
    openai_chat      chats: `openai_checks` (what is refused), `openai_answers` (what is said), `openai_wire` (how that looks on the
                     wire)
    openai_responses responses: checks, request, wire and events likewise; `openai_responses_memory` (what is stored),
                     `openai_reasoning` (what is encrypted)
    openai_…         the other endpoints, each in a file of its own; `openai_azure` (the same at Azure's paths)
    anthropic        Anthropic's endpoints: `anthropic_checks` with `…_message_checks`, `…_block_checks` and `…_tool_checks` (what is
                     refused), `anthropic_prompt` (what a prompt costs, cache included), `anthropic_answers` (what is said),
                     `anthropic_thinking` (signatures), `anthropic_wire` (how that looks on the wire)
    speaker          what the make-believe model says in any vendor's chat; `chat_ask` (what it is asked), `calls` (what it calls)
    gemini           Gemini's endpoints; `gemini_schema` (every field), `gemini_fields` (reads them), `gemini_…checks` (what it refuses),
                     `gemini_request`, `gemini_answers`, `gemini_wire` (asked, answered, rendered), `gemini_models` (what each can do),
                     `gemini_media`, `gemini_prompt` (what is shown, and counts), `gemini_signatures` (of thoughts), `gemini_speech`
    kling            Kling's tasks; `kling_token`, `kling_fields`, `kling_checks` (pictures), `kling_video_checks` with `kling_shots`,
                     `kling_edit_checks` (what is refused), `kling_order`, `kling_jobs`, `kling_files`, `kling_callbacks`
    bfl              Flux at Black Forest Labs; `bfl_checks` (key and fields)
    midjourney       a midjourney-proxy; `midjourney_fields`, `midjourney_checks` (what is refused), `midjourney_jobs`
                     (states and buttons), `midjourney_queue`, `midjourney_drawing` (grids and clips), `midjourney_callbacks`
    suno             the relay in front of Suno; `suno_checks` (secret and fields), `suno_clips` (songs and covers), `music` (makes them)
    fal              fal's queue, with Pika's endpoints; `fal_checks` (key and fields), `fal_jobs` (how they go on and end),
                     `fal_webhooks` (signed), `fal_storage` (its client's uploads)
    job_memory       what the vendors of tasks remember across a restart
    magic            the words that provoke delays, errors and broken answers; `faults` carries them out
    callbacks        the calls that vendors make themselves, to a client's address
    dialects         paths that several vendors share
    count            what was asked here, counted apart from the gateway
    tokens           the real tokenizer
    schema_instance  a value valid for a JSON schema
    vision           format, size and colours of a picture that was shown; `pictures` draws new ones
    sounds           texts as speech, said by `voice` in a process of its own (`voice_process`); `sound_files` writes and reads it as files
    certificate      a throwaway authority for serving TLS

May import: formats and core, and Starlette, uvicorn, tiktoken, Pillow, PyAV, joserfc, cryptography. Never providers, edge, storage,
identity, metering or tasks.
"""
