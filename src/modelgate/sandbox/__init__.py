"""Make-believe vendors: each checks what the real one checks and answers deterministically and sensibly.

Its own process, reached through the ordinary transport over a real socket. Written from the vendors' contracts, apart from the
adapters that call them, so that an adapter which would fail at the vendor fails here.

What lives here
    server           the ASGI application of all vendors, and a protocol that can drop a connection
    task_vendor      what makes a file or package a vendor of tasks

A file or package for each vendor, named for it. Those of tasks hold `VENDOR`, by which `task_vendor` finds them: no other file names one.
A package holds the endpoints, and beside them
    openai           `gate` (key, body, count: the way in), `sending` (the way out), `chat`, `responses` and the other endpoints, a file
                     each, with `…checks` (what is refused), `…answers` (what is said), `…wire` (how that looks on the wire),
                     `responses_memory` (what is stored), `reasoning` (what is encrypted), `azure` (the same at Azure's paths)
    anthropic        `…checks`, `prompt` (what a prompt costs, cache included), `answers`, `thinking` (signatures), `wire`
    gemini           `schema` (every field), `fields` (reads them), `…checks`, `request`, `answers`, `wire`, `models` (what each can do),
                     `media`, `prompt` (what is shown, and counts), `signatures` (of thoughts), `speech`
    kling            `schema`, `checks` (what goes together), `edit_checks` (work on a video, effects), `jobs`
    bfl              Flux at Black Forest Labs; `schema`
    ideogram         `schema`
    runway           `schema` (every field, and what each model makes of it)
    luma             Dream Machine; `schema`. `luma_agents`: its newer API, which goes by some of the same rules
    midjourney       a midjourney-proxy; `schema`, `checks`, `jobs` (states and buttons), `queue`, `drawing` (grids and clips)
    suno             the relay in front of Suno; `schema`
    fal              fal's queue, with Pika's endpoints; `schema`, `webhooks` (signed), `storage` (its client's uploads)

What vendors share
    front            what the vendors of tasks have in common: the way in, the count, how refusals go out
    body_shape       a body read by its schema, and what does not fit named by its place; `given_files`, addresses and data in one
    forms            multipart/form-data
    orders           what is to be made, once it is checked, and its file
    speaker          what the make-believe model says in any vendor's chat; `chat_ask` (what it is asked), `calls` (what it calls)
    music            makes songs and lyrics; `videos` makes clips
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
