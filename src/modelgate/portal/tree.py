"""The tree of the documentation, in the order in which it is read.

The sections up to the help centre are those of the portal that this product grows from, titles as they were; pages that it got in later
editions stand where they belong. Then comes what is our own.
"""

from modelgate.portal.navigation import Branch, Leaf, Node, Rest

CHAT = "create_chat_completion"

FAMILY_TITLES = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "gemini": "Gemini",
    "ideogram": "Ideogram",
    "kling": "Kling",
    "luma": "Luma",
    "midjourney": "Midjourney",
    "openai_videos": "OpenAI videos",
    "pika": "Pika",
    "runway": "Runway",
    "suno": "Suno",
    "tasks": "Tasks",
    "files": "Files",
    "callbacks": "Calls from vendors",
}


def _use(title: str, endpoint: str, case: str) -> Leaf:
    return Leaf(title=title, kind="endpoint", endpoint=endpoint, case=case)


def _object(title: str, endpoint: str, case: str) -> Leaf:
    return Leaf(title=title, kind="object", endpoint=endpoint, case=case)


def _guide(title: str, slug: str = "") -> Leaf:
    return Leaf(title=title, slug=slug)


def _handbook(title: str, file: str) -> Leaf:
    return Leaf(title=title, file=file, slug=file.removesuffix(".md"))


_CHATGPT = Branch(
    title="ChatGPT",
    slug="chatgpt",
    children=(
        Branch(
            title="Audio",
            slug="audio",
            children=(
                _use("Create a voice", "create_speech", "characters"),
                _use("Create a voice (gpt-4o-mini-tts)", "create_speech", "tokens"),
                _use("Create a transcript", "create_transcription", "whisper"),
                _use("Create a transcript (gpt-4o-transcribe)", "create_transcription", "text"),
                _use("Create translation", "create_translation", "english"),
            ),
        ),
        Branch(
            title="Chat",
            slug="chat",
            children=(
                _object("Chat completion object", CHAT, "plain"),
                _use("Create chat completion (streaming)", CHAT, "streaming"),
                _use("Create chat completion (non-streaming)", CHAT, "plain"),
                _use("Create chat image recognition (streaming)", CHAT, "vision-streaming"),
                _use("Create chat image recognition (streaming) base64", CHAT, "vision-streaming-base64"),
                _use("Create chat image recognition (non-streaming)", CHAT, "vision"),
                _use("Function calling", CHAT, "tools"),
                _use("N choices", CHAT, "choices"),
                _use("Create chat function call (only non-streaming)", CHAT, "functions"),
                _use("Create structured output", CHAT, "json-schema"),
            ),
        ),
        Branch(
            title="Completions",
            slug="completions",
            children=(
                _object("Completion object", "create_completion", "plain"),
                _use("Creation completed", "create_completion", "plain"),
            ),
        ),
        Branch(
            title="Embeddings",
            slug="embeddings",
            children=(
                _object("Embedded Object", "create_embedding", "one"),
                _use("Create embed", "create_embedding", "one"),
            ),
        ),
        Branch(
            title="ChatGPT Response",
            slug="response",
            children=(
                _use("OpenAI Responses", "create_response", "plain"),
                _use("OpenAI Responses (streaming)", "create_response", "streaming"),
                _use("OpenAI Responses (Image Recognition)", "create_response", "vision"),
                _use("OpenAI Responses (function call)", "create_response", "tools"),
            ),
        ),
    ),
)
_CLAUDE = Branch(
    title="Anthropic Claude",
    slug="anthropic-claude",
    children=(
        _use("Create chat completion (streaming)", CHAT, "claude-streaming"),
        _use("Create chat completion (non-streaming)", CHAT, "claude"),
        _use("Create chat image recognition (streaming)", CHAT, "claude-vision-streaming"),
        _use("Create chat image recognition (non-streaming)", CHAT, "claude-vision"),
        Branch(
            title="Official Format",
            slug="official-format",
            children=(
                _use("Messages", "create_message", "plain"),
                _use("Messages (streaming)", "create_message", "streaming"),
                _use("Messages (Image Recognition)", "create_message", "vision"),
                _use("Messages (function call)", "create_message", "tools"),
                _use("Messages (Web search)", "create_message", "web-search"),
            ),
        ),
    ),
)
_GENERATE = "gemini_generate_content_v1beta"
_GEMINI = Branch(
    title="Gemini",
    slug="gemini",
    children=(
        _use("Gemini Image creation interface (gemini-2.0-flash-exp-image-generation)", CHAT, "gemini-image"),
        _use("Chat interface", CHAT, "gemini-chat"),
        _use("Image recognition interface", CHAT, "gemini-vision"),
        Branch(
            title="OpenAI Endpoint",
            slug="openai-endpoint",
            children=(
                _use("Function calling - Google Search", CHAT, "gemini-search"),
                _use("Function calling - codeExecution", CHAT, "gemini-code"),
            ),
        ),
        Branch(
            title="Official Endpoint - v1beta",
            slug="official-endpoint",
            children=(
                _use("Text generation", _GENERATE, "plain"),
                _use("Text generation (streaming)", "gemini_stream_generate_content_v1beta", "streaming"),
                _use("Image recognition", _GENERATE, "vision"),
                _use("Thinking with Gemini 2.5", _GENERATE, "thinking"),
                _use("Structured output", _GENERATE, "json-schema"),
                _use("Function calling", _GENERATE, "tools"),
                _use("Grounding with Google Search", _GENERATE, "search"),
                _use("URL context", _GENERATE, "url-context"),
                _use("Gemini TTS", _GENERATE, "speech"),
                _use("Gemini Image", _GENERATE, "image-output"),
                _use("Gemini Embedding", "gemini_embed_content_v1beta", "one"),
            ),
        ),
    ),
)

_IMAGES = Branch(
    title="Image Models",
    slug="",
    children=(
        Branch(
            title="MJ",
            slug="mj",
            children=(
                _use("Submit Imagine task (mj_imagine)", "midjourney_imagine", "usual"),
                _use("Submit Blend task (mj_blend)", "midjourney_blend", "usual"),
                _use("Submit Describe task (mj_describe)", "midjourney_describe", "usual"),
                _use("Submit Change task (mj_variation, mj_upscale, mj_reroll)", "midjourney_change", "usual"),
                _use("Query task status based on task ID", "fetch_midjourney_task", "done"),
            ),
        ),
        Branch(
            title="Ideogram",
            slug="ideogram",
            children=(
                _use("Generate with Ideogram 3.0", "generate_ideogram", "from-words"),
                _use("Edit with Ideogram 3.0", "edit_ideogram", "with-mask"),
                _use("Remix with Ideogram 3.0", "remix_ideogram", "from-picture"),
            ),
        ),
        Branch(
            title="Kling Image",
            slug="kling-image",
            children=(
                _use("Submit Image Generation", "submit_kling_image", "text-to-image"),
                _use("Get Image by Task ID", "fetch_kling_image", "succeed"),
                _use("Submit Kolors Virtual Try On", "submit_kling_try_on", "try-on"),
                _use("Get Kolors Virtual Try On by Task ID", "fetch_kling_try_on", "succeed"),
            ),
        ),
        _use("DALL·E 3", "create_image", "by-the-piece"),
        _use("Flux (OpenAI dall-e-3 format)", "create_image", "flux"),
        Branch(
            title="GPT-IMAGE-1",
            slug="gpt-image-1",
            children=(
                _use("Generate with GPT-IMAGE-1", "create_image", "tokens"),
                _use("Edit with GPT-IMAGE-1", "create_image_edit", "edit"),
            ),
        ),
    ),
)
_VIDEOS = Branch(
    title="Video Models",
    slug="",
    children=(
        Branch(
            title="Kling Video",
            slug="kling-video",
            children=(
                _use("Create Video by Text", "submit_kling_text_video", "text-to-video"),
                _use("Get Video by Task ID (text2video)", "fetch_kling_text_video", "succeed"),
                _use("Create Video by Image", "submit_kling_image_video", "image-to-video"),
                _use("Get Video by Task ID (image2video)", "fetch_kling_image_video", "succeed"),
            ),
        ),
        Branch(
            title="Runway ML Video",
            slug="runway-ml-video",
            children=(
                _use("Create Video by Runway", "submit_runway_image_to_video", "first-frame"),
                _use("Get Video by Task ID", "fetch_runway_task", "succeeded"),
            ),
        ),
        Branch(
            title="Luma Video",
            slug="luma-video",
            children=(
                _use("Create Video by Luma", "submit_luma_generation", "words"),
                _use("Get Video by Task ID", "fetch_luma_generation", "completed"),
            ),
        ),
        Branch(
            title="Pika Video",
            slug="pika-video",
            children=(
                _use("Create Video by Pika", "submit_pika_video", "text-to-video"),
                _use("Get Video by Task ID", "fetch_pika_video", "finished"),
            ),
        ),
    ),
)
_MUSIC = Branch(
    title="Music Model - Suno",
    slug="suno",
    children=(
        _guide("Illustrate"),
        _guide("Parameter"),
        Branch(
            title="Task submission",
            slug="",
            children=(
                _use("Generate songs (inspiration, customization, continuation)", "submit_suno_music", "inspiration"),
                _use("Generate lyrics", "submit_suno_lyrics", "lyrics"),
            ),
        ),
        Branch(title="Query interface", slug="", children=(_use("Query a single task", "fetch_suno_task", "songs"),)),
    ),
)
_PYTHON = Branch(
    title="Python Samples",
    slug="python",
    children=tuple(
        _guide(title, slug=f"python-{slug}")
        for title, slug in (
            ("python openai official library (using AutoGPT, langchain, etc.)", "openai-official-library"),
            ("speech to text", "speech-to-text"),
            ("text to speech", "text-to-speech"),
            ("Embeddings", "embeddings"),
            ("DALL·E", "dall-e"),
            ("simple openai function-calling demo", "function-calling"),
            ("langchain", "langchain"),
            ("llama_index", "llama-index"),
            ("gpt-4o to identify pictures (local)", "identify-local-pictures"),
            ("library streaming output", "streaming-output"),
            ("gpt-4o to identify images", "identify-images"),
        )
    ),
)

_REFERENCE = Branch(
    title="Modelgate",
    slug="",
    children=(
        Leaf(title="Models and prices here", kind="models", slug="models"),
        _handbook("Error codes", "errors.md"),
        _handbook("Task life cycle", "tasks.md"),
        _handbook("Webhooks", "webhooks.md"),
        _handbook("Sandbox magic values", "sandbox.md"),
        _handbook("Prices", "prices.md"),
        _handbook("Limits", "limits.md"),
        _handbook("Asking twice, paying once", "caching.md"),
        Branch(
            title="More Python samples",
            slug="python",
            children=(
                _guide("Follow a task"),
                _guide("A song by Suno", slug="python-suno-song"),
                _guide("The libraries of Anthropic and Google", slug="python-claude-and-gemini-libraries"),
                _guide("OpenAI responses", slug="python-responses"),
                _guide("Receive webhooks", slug="webhooks-receiver"),
            ),
        ),
        Branch(
            title="Modelgate Media",
            slug="media",
            children=(
                _handbook("One way to all media", "media.md"),
                _use("Create a task", "create_task", "video"),
                _use("What a task would cost", "quote_task", "quote"),
                _use("List tasks", "list_tasks", "first-page"),
                _use("Get a task", "fetch_task", "succeeded"),
                _use("Follow a task", "stream_task_events", "watch"),
                _use("Cancel a task", "cancel_task", "canceled"),
            ),
        ),
        Branch(
            title="Dialects",
            slug="",
            children=(
                _handbook("Which dialect", "dialects.md"),
                _handbook("OpenAI chat completions", "chat.md"),
                _handbook("OpenAI responses and completions", "responses.md"),
                _handbook("Anthropic messages", "messages.md"),
                _handbook("Gemini generateContent", "gemini.md"),
                _handbook("Pictures", "images.md"),
                _handbook("Sound", "audio.md"),
                _handbook("Embeddings and moderation", "embeddings.md"),
                _handbook("Ideogram 3.0", "ideogram.md"),
                _handbook("Kling", "kling.md"),
                _handbook("Luma videos", "luma.md"),
                _handbook("Midjourney", "midjourney.md"),
                _handbook("Pika videos", "pika.md"),
                _handbook("Runway videos", "runway.md"),
                _handbook("Suno songs and lyrics", "suno.md"),
            ),
        ),
    ),
)
_RUNNING = Branch(
    title="Running it yourself",
    slug="",
    children=(
        _handbook("Install and run", "running.md"),
        _handbook("Settings", "settings.md"),
        _handbook("Commands", "commands.md"),
        _handbook("Watching it", "operations.md"),
        _handbook("Money", "money.md"),
        _handbook("Vendors", "providers.md"),
        _handbook("Adding a vendor", "adding-a-vendor.md"),
        _handbook("Architecture", "architecture.md"),
        _handbook("Glossary", "glossary.md"),
    ),
)

TREE: tuple[Node, ...] = (
    _guide("Introduction"),
    _guide("Quick Start Guide"),
    _guide("Make a request"),
    Branch(
        title="Chat Models",
        slug="",
        children=(
            _CHATGPT,
            _CLAUDE,
            _GEMINI,
            Branch(title="Deepseek", slug="deepseek", children=(_use("Deepseek chat", CHAT, "deepseek-chat"),)),
        ),
    ),
    _IMAGES,
    _VIDEOS,
    _MUSIC,
    _PYTHON,
    Branch(
        title="Plug-in/software usage tutorials",
        slug="tutorials",
        children=(
            _guide("Setting HTTP for Make.com"),
            _guide("Sample Code for gpt-4o-audio/gpt-4o-mini-audio"),
        ),
    ),
    Branch(title="Help Center", slug="help", children=(_guide("HTTP status codes"),)),
    _REFERENCE,
    _RUNNING,
    Branch(
        title="Account API",
        slug="account-api",
        children=(
            _handbook("Account API", "account-api.md"),
            _handbook("Requests", "requests.md"),
            Branch(title="For every member", slug="", children=(Rest(families=("account",)),)),
            Branch(title="For owners and admins", slug="", children=(Rest(families=("admin",)),)),
            Branch(title="System API", slug="", children=(Rest(families=("yescale",)),)),
        ),
    ),
    Branch(title="More endpoints", slug="", children=(Rest(),)),
)
