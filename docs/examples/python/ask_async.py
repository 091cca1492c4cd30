"""Ask a running service with asyncio and stubs that are generated from its proto files.

    pip install grpcio grpcio-tools
    python -m grpc_tools.protoc -I ../../../proto --python_out=. --pyi_out=. --grpc_python_out=. \
        baowen/v1/search.proto baowen/v1/index.proto
    python ask_async.py 127.0.0.1:50051 医保断缴三个月怎么办 生育津贴怎么领

BAOWEN_TOKEN is the token of a service that wants one. Positions (`span`, `highlights`) count characters, as `str` does.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import date

import grpc
from baowen.v1 import search_pb2 as pb
from baowen.v1 import search_pb2_grpc as stubs

# What is refused because too many ask, or because the index is being opened, is asked again in a moment.
AGAIN = {
    "methodConfig": [
        {
            "name": [{"service": "baowen.v1.SearchService"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ]
}


class Baowen:
    """One connection, for any number of questions at a time."""

    def __init__(self, addr: str, token: str | None = None) -> None:
        self._channel = grpc.aio.insecure_channel(addr, options=[("grpc.service_config", json.dumps(AGAIN))])
        self._service = stubs.SearchServiceStub(self._channel)
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    async def __aenter__(self) -> "Baowen":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def search(self, question: str, top_k: int = 5, timeout: float = 5, **more: object) -> pb.SearchResponse:
        """Answers a question; `more` are other fields of SearchRequest. `timeout` is in seconds, and ends the work there, too."""
        request = pb.SearchRequest(query=question, top_k=top_k, today=date.today().isoformat(), **more)
        return await self._service.Search(request, timeout=timeout, metadata=self._metadata)

    async def search_many(self, questions: Sequence[str], timeout: float = 3600) -> AsyncIterator[pb.BatchSearchResponse]:
        """Answers up to 1,000 questions in one call, in their order, each as soon as it is there."""
        request = pb.BatchSearchRequest(requests=[pb.SearchRequest(query=one, top_k=1) for one in questions])
        async for item in self._service.BatchSearch(request, timeout=timeout, metadata=self._metadata):
            yield item


def show(question: str, answer: pb.SearchResponse) -> None:
    print(f"问：{question}")
    if answer.corrected:
        print(f"  已按“{answer.corrected}”理解")
    if not answer.hits or answer.HasField("answerable") and answer.answerable < 0.3:
        print("  库中多半没有这个问题的答案")
    for hit in answer.hits:
        # Protobuf's strings are Python's, so the positions need no conversion.
        matched = "、".join(dict.fromkeys(hit.text[one.start : one.end] for one in hit.highlights))
        print(f"  · {hit.best_sentence.text or hit.text}")
        print(f"    {hit.title} [{hit.passage_id}]，命中：{matched}")


async def main(addr: str, questions: Sequence[str]) -> None:
    async with Baowen(addr, os.environ.get("BAOWEN_TOKEN")) as baowen:
        for question, answer in zip(questions, await asyncio.gather(*map(baowen.search, questions))):
            show(question, answer)

        async for item in baowen.search_many([*questions, ""]):
            if item.HasField("error"):
                print(f"{item.index}: {grpc_name(item.error.code)}, {item.error.message}")
            else:
                print(f"{item.index}: {item.response.hits[0].title if item.response.hits else '没有找到'}")

        try:
            await baowen.search("医保", top_k=0)
        except grpc.aio.AioRpcError as error:
            print(f"{error.code().name}: {error.details()}")


def grpc_name(code: int) -> str:
    return next((one.name for one in grpc.StatusCode if one.value[0] == code), str(code))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
