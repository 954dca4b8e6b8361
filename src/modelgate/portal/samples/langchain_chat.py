"""LangChain: a chain, a stream, a tool and embeddings.

pip install langchain-openai
"""

import os

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

GATEWAY = {
    "base_url": os.environ["MODELGATE_BASE_URL"] + "/v1",
    "api_key": os.environ["MODELGATE_KEY"],
}

model = ChatOpenAI(model="gpt-4o-mini", **GATEWAY)

prompt = ChatPromptTemplate.from_messages(
    [("system", "You answer briefly."), ("user", "Say: {text}")]
)
chain = prompt | model | StrOutputParser()
print(chain.invoke({"text": "good morning"}))

for chunk in model.stream("Count to 5"):
    print(chunk.content, end="", flush=True)
print()


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


# Any model of the gateway will do, whoever its vendor is.
claude = ChatOpenAI(model="claude-haiku-4-5", **GATEWAY).bind_tools([get_weather])
asked = claude.invoke("What is the weather in Oslo?")
for call in asked.tool_calls:
    print(get_weather.invoke(call).content)

embeddings = OpenAIEmbeddings(
    model="text-embedding-3-small",
    check_embedding_ctx_length=False,  # send texts; else it fetches a tokenizer
    **GATEWAY,
)
print("Dimensions:", len(embeddings.embed_query("The cat sits on the mat.")))
