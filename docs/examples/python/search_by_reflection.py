"""Ask a running Baowen service without its proto file: the types come from the service itself, by reflection.

    pip install grpcio grpcio-reflection
    python search_by_reflection.py 127.0.0.1:50051 医保断缴三个月怎么办

BAOWEN_TOKEN is the token of a service that wants one.
"""

import os
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICE = "baowen.v1.SearchService"
# What an answer was made without: baowen.v1.Lack.
LACKS = {1: "这次只按字词查找，没有用上语义", 2: "来不及给所有结果重新排序", 3: "这次只按语义查找"}


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


def ask(addr: str, question: str):
    with channel_to(addr) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName(SERVICE).FindMethodByName("Search")
        request_type = GetMessageClass(method.input_type)
        search = channel.unary_unary(
            f"/{SERVICE}/{method.name}",
            request_serializer=request_type.SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return search(request_type(query=question, top_k=5), timeout=10)


def main(addr: str, question: str) -> None:
    try:
        response = ask(addr, question)
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")

    for lack in response.lacking:
        print(f"注意：{LACKS.get(lack, '这次的结果不完整')}。")
    if not response.hits:
        print("没有找到相关内容。")
    for place, hit in enumerate(response.hits, start=1):
        print(f"{place}. {hit.title or hit.text[:30]}  [{hit.passage_id}] {hit.score:.3f} {hit.source} {hit.published}")
        print(f"   {hit.best_sentence.text or hit.text}")
    print(f"{response.timings.total_micros / 1000:.2f} ms, {response.candidates} candidates")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
