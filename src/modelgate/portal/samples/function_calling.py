"""Function calling: the model asks for your function, you run it, it answers.

pip install openai
"""

import json
import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)
MODEL = "gpt-4o-mini"


def get_weather(city: str, unit: str = "celsius") -> str:
    """Stand in for a real forecast."""
    return json.dumps({"city": city, "sky": "sunny", "degrees": 21, "unit": unit})


FUNCTIONS = {"get_weather": get_weather}
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city now.",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
}


def with_tools(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    tools = [{"type": "function", "function": WEATHER}]
    for _ in range(5):  # never loop without an end
        answer = client.chat.completions.create(
            model=MODEL, messages=messages, tools=tools
        )
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            print("Called:", call.function.name, arguments)
            result = FUNCTIONS[call.function.name](**arguments)
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": result}
            )
    raise RuntimeError("the model keeps calling")


def with_functions(question: str) -> str:
    """Do the same in the older form, which many programs still use."""
    messages = [{"role": "user", "content": question}]
    first = client.chat.completions.create(
        model=MODEL, messages=messages, functions=[WEATHER], function_call="auto"
    )
    call = first.choices[0].message.function_call
    result = FUNCTIONS[call.name](**json.loads(call.arguments))
    messages.append(first.choices[0].message)
    messages.append({"role": "function", "name": call.name, "content": result})
    second = client.chat.completions.create(
        model=MODEL, messages=messages, functions=[WEATHER]
    )
    return second.choices[0].message.content


print(with_tools("What is the weather in Paris?"))
print(with_functions("What is the weather in Rome?"))
