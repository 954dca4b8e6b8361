"""gpt-4o-audio and gpt-4o-mini-audio: answers that are spoken, questions too.

pip install openai
"""

import base64
import os
from pathlib import Path

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)

for model in ("gpt-4o-audio-preview", "gpt-4o-mini-audio-preview"):
    print(model)

    # A spoken answer: the sound is in `audio.data`, its words in
    # `audio.transcript`; `content` is empty.
    spoken = client.chat.completions.create(
        model=model,
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
        messages=[{"role": "user", "content": "Say: the ferry leaves at noon"}],
    )
    audio = spoken.choices[0].message.audio
    file = Path(f"{model}.wav")
    file.write_bytes(base64.b64decode(audio.data))
    print("  said:", audio.transcript)
    print("  tokens of sound:", spoken.usage.completion_tokens_details.audio_tokens)

    # A spoken question, here the same recording, with some words beside it.
    recording = base64.b64encode(file.read_bytes()).decode()
    heard = client.chat.completions.create(
        model=model,
        modalities=["text"],
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is said in this recording?"},
                    {
                        "type": "input_audio",
                        "input_audio": {"data": recording, "format": "wav"},
                    },
                ],
            }
        ],
    )
    print("  heard:", heard.choices[0].message.content)
