"""JSON over HTTP against gRPC: whether both say the same, and what JSON takes longer.

    pip install grpcio grpcio-reflection
    python json_and_grpc.py 127.0.0.1:50051 queries.jsonl --questions 200

Each question is asked once before, so that both get a kept answer and only the way there and back counts; then by both, in
turns. `timings` differ between any two answers and are left out of the comparison. Then both are asked for 50 hits, a page
further, with explanations and a date, which sets nearly every field there is; that is compared and not timed.
"""

import argparse
import http.client
import json
import socket
import time

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICE = "baowen.v1.SearchService"


def at(times, share):
    return sorted(times)[int(len(times) * share)] * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("addr")
    parser.add_argument("queries")
    parser.add_argument("--questions", type=int, default=200)
    given = parser.parse_args()
    with open(given.queries, encoding="utf-8") as lines:
        questions = [json.loads(line)["text"] for line in lines][: given.questions]

    channel = grpc.insecure_channel(given.addr)
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName(SERVICE).FindMethodByName("Search")
    request_type, response_type = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    # The bytes alone: what a client does with them is its own.
    search = channel.unary_unary(f"/{SERVICE}/Search", request_serializer=request_type.SerializeToString)
    connection = http.client.HTTPConnection(given.addr)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def by_grpc(question, **more):
        return search(request_type(query=question, **more))

    def by_json(question, **more):
        body = json.dumps({"query": question, **more}).encode()
        connection.request("POST", "/v1/search", body=body, headers={"content-type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        assert response.status == 200, text
        return text

    def same(one, other):
        one, other = response_type.FromString(one), json_format.Parse(other, response_type())
        one.ClearField("timings")
        other.ClearField("timings")
        return one == other

    times, different, full = {by_grpc: [], by_json: []}, 0, 0
    for number, question in enumerate(questions):
        by_grpc(question)
        said = {}
        for ask in [by_grpc, by_json] if number % 2 else [by_json, by_grpc]:
            begin = time.perf_counter()
            said[ask] = ask(question)
            times[ask].append(time.perf_counter() - begin)
        different += not same(said[by_grpc], said[by_json])
        more = {"top_k": 50, "offset": 5, "explain": True, "today": "2026-11-29"}
        full += not same(by_grpc(question, **more), by_json(question, **more))
    print(f"{len(questions)} questions, {different} answered differently, {full} with every field")
    for name, ask in [("gRPC", by_grpc), ("JSON", by_json)]:
        print(f"{name}: p50 {at(times[ask], 0.5):.3f} ms, p90 {at(times[ask], 0.9):.3f} ms")
    print(f"JSON takes {at(times[by_json], 0.5) - at(times[by_grpc], 0.5):+.3f} ms at p50")


if __name__ == "__main__":
    main()
