"""Asks the tools of language models as a program does that uses the protocol's own Python library, in its newest version and
as older programs do: lists them, calls each, and leaves it to the library to compare what comes with the schemas that the
tools gave. With `--refused TEXT` asking must fail, and TEXT must be what is said.

    python tests/mcp/ask.py baowen mcp --index DIR
    BAOWEN_TOKEN=baowen_... python tests/mcp/ask.py http://127.0.0.1:50051/mcp
    BAOWEN_TOKEN=wrong python tests/mcp/ask.py --refused "none of this service's" baowen mcp --addr 127.0.0.1:50051
"""

import asyncio
import os
import sys
import traceback

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


# What a service said where it refused; the library does not pass it on.
refusals: list[str] = []


async def listen(response: httpx2.Response) -> None:
    if response.is_error:
        refusals.append((await response.aread()).decode())


def server(first: str, *rest: str):
    """What is asked: a service by its address, or a program that is started."""
    if not first.startswith("http"):
        own = {name: value for name, value in os.environ.items() if name.startswith("BAOWEN_")}
        return StdioServerParameters(command=first, args=list(rest), env=own)
    token = os.environ.get("BAOWEN_TOKEN")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    hooks = {"response": [listen]}
    return streamable_http_client(first, http_client=httpx2.AsyncClient(headers=headers, event_hooks=hooks, timeout=60))


async def ask(client: Client) -> None:
    tools = {tool.name for tool in (await client.list_tools()).tools}
    assert tools == {"search", "get_article", "similar", "facets"}, tools

    async def call(name: str, **given: object) -> dict:
        answer = await client.call_tool(name, given)
        assert not answer.is_error, answer.content[0].text
        return answer.structured_content

    async def refused(part: str, name: str, **given: object) -> None:
        answer = await client.call_tool(name, given)
        assert answer.is_error and part in answer.content[0].text, answer

    found = await call("search", query="医保断缴几个月会有什么影响？", top_k=3)
    hit = found["hits"][0]
    print(client.protocol_version, found["verdict"], hit.get("best_sentence"), hit["title"], sep=" | ")
    article = await call("get_article", article_id=hit["article_id"])
    assert hit["best_sentence"] in article["text"], article
    alike = await call("similar", article_id=hit["article_id"])
    assert len(alike["articles"]) == 5, alike
    counted = await call("facets", query="医保断缴")
    assert counted["total"] > 0, counted
    missing = await call("search", query="2031年拉萨医保缴费标准是多少", filter={"years": [2024, 2025]})
    assert "拉萨" in missing["missing"], missing

    await refused("top_k", "search", query="医保", top_k=1000)
    await refused("query", "search")
    await refused("regoins", "search", query="医保", filter={"regoins": ["杭州"]})
    await refused("as_of", "search", query="医保", as_of="昨天")
    await refused("nobody", "get_article", article_id="nobody")
    try:
        await client.call_tool("delete_articles", {})
        raise AssertionError("there is such a tool")
    except MCPError as error:
        assert "get_article" in str(error), error


async def main(*what: str) -> None:
    for mode in ["auto", "legacy"]:
        async with Client(server(*what), mode=mode) as client:
            await ask(client)


if sys.argv[1] == "--refused":
    try:
        asyncio.run(main(*sys.argv[3:]))
    except BaseException:
        said = "\n".join([traceback.format_exc(), *refusals])
        assert sys.argv[2] in said, said
    else:
        raise AssertionError("it was not refused")
else:
    asyncio.run(main(*sys.argv[1:]))
