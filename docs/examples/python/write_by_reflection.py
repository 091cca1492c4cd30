"""Give articles to a Baowen service that writes (`baowen serve --write`), without its proto file.

    pip install grpcio grpcio-reflection
    python write_by_reflection.py 127.0.0.1:50051 crm articles.jsonl    # lines of {"id", "title", "text"}

BAOWEN_TOKEN is the token of a service that wants one. Whoever is unsure whether a call went through sends it again: what is there already costs a lookup.
"""

import json
import os
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICE = "baowen.v1.IndexService"
# Small enough for any limit, large enough that calls are few.
BATCH = 50


def channel_to(addr: str) -> grpc.Channel:
    """A channel whose calls bring the token of BAOWEN_TOKEN, if it is set."""
    token = os.environ.get("BAOWEN_TOKEN")
    channel = grpc.insecure_channel(addr)
    return grpc.intercept_channel(channel, WithToken(token)) if token else channel


class WithToken(grpc.UnaryUnaryClientInterceptor, grpc.StreamStreamClientInterceptor):
    """Has each call say who calls; reflection, which asks for the types, is a stream."""

    def __init__(self, token: str) -> None:
        self._said = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, proceed, details, request):
        return proceed(self._named(details), request)

    def intercept_stream_stream(self, proceed, details, requests):
        return proceed(self._named(details), requests)

    def _named(self, details):
        return details._replace(metadata=[*(details.metadata or ()), self._said])


def main(addr: str, source: str, path: str) -> None:
    with channel_to(addr) as channel, open(path, encoding="utf-8") as lines:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName(SERVICE).FindMethodByName("UpsertArticles")
        request_type = GetMessageClass(method.input_type)
        upsert = channel.unary_unary(
            f"/{SERVICE}/{method.name}",
            request_serializer=request_type.SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        records = [json.loads(line) for line in lines if line.strip()]
        durable = 0
        for begin in range(0, len(records), BATCH):
            request = request_type()
            request.source.name = source
            for record in records[begin : begin + BATCH]:
                request.articles.add(id=record["id"], title=record.get("title", ""), text=record["text"])
            try:
                answer = upsert(request, timeout=60)
            except grpc.RpcError as error:
                sys.exit(f"{error.code().name}: {error.details()}")
            for result in answer.results:
                if result.HasField("error"):
                    print(f"{result.id}: {result.error.message}", file=sys.stderr)
                else:
                    durable += 1
            print(f"{durable} of {len(records)} are durable (commit {answer.commit})")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
