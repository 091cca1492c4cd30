"""What a service does under many times its capacity, as a client sees that asks beside the load.

    pip install grpcio grpcio-reflection grpcio-health-checking
    python overload.py target/release/baowen 127.0.0.1:50051 questions.jsonl --seconds 60

First one client asks without a pause on as many lanes as it takes to find the capacity. Then `baowen bench` asks at ten
times that rate on connections of its own, while this program asks 20 questions and 20 health checks a second, each with a
deadline, and notes how long each answer and each refusal took. It also notes how late its own loop is woken: where the
longest refusal took no longer than that, it is the machine that stood still, not the service.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import time

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICE = "baowen.v1.SearchService"
# Seconds between two looks at the clock.
TICK = 0.005


def bench(program, addr, questions, *more):
    command = [program, "bench", "--addr", addr, "--queries", questions, "--json", *map(str, more)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def figures(times):
    if not times:
        return {"count": 0}
    times = sorted(times)
    at = lambda share: round(times[min(len(times) - 1, int(share * len(times)))], 2)
    return {"count": len(times), "p50": at(0.5), "p99": at(0.99), "max": round(times[-1], 2),
            "mean": round(statistics.mean(times), 2)}


async def observe(addr, question, seconds, deadline, every):
    """Times in milliseconds by code, of questions and of health checks, and how late the loop was woken."""
    with grpc.insecure_channel(addr) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName(SERVICE).FindMethodByName("Search")
        request_type, answer_type = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    asked, checked, late = {}, {}, []
    end = time.perf_counter() + seconds

    async def timed(into, call):
        begin = time.perf_counter()
        try:
            await call
            code = "OK"
        except grpc.aio.AioRpcError as error:
            code = error.code().name
        into.setdefault(code, []).append((time.perf_counter() - begin) * 1e3)

    async def watch():
        while time.perf_counter() < end:
            begin = time.perf_counter()
            await asyncio.sleep(TICK)
            late.append((time.perf_counter() - begin - TICK) * 1e3)

    async with grpc.aio.insecure_channel(addr) as one, grpc.aio.insecure_channel(addr, [("grpc.use_local_subchannel_pool", 1)]) as two:
        search = one.unary_unary(f"/{SERVICE}/Search", request_serializer=request_type.SerializeToString,
                                 response_deserializer=answer_type.FromString)
        health = health_pb2_grpc.HealthStub(two)
        tasks, number = [asyncio.create_task(watch())], 0
        while time.perf_counter() < end:
            number += 1
            request = request_type(query=f"{question} {number}", top_k=5)
            tasks.append(asyncio.create_task(timed(asked, search(request, timeout=deadline))))
            tasks.append(asyncio.create_task(timed(checked, health.Check(health_pb2.HealthCheckRequest(), timeout=5))))
            await asyncio.sleep(every)
        await asyncio.gather(*tasks)
    return asked, checked, late


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("addr")
    parser.add_argument("questions")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--deadline", type=float, default=1.0)
    given = parser.parse_args()
    alone, _ = bench(given.program, given.addr, given.questions, "--concurrency", 4, "--duration", 5).communicate()
    alone = json.loads(alone)
    if alone["degraded"]:
        raise SystemExit(f"{alone['degraded']} of {alone['answered']} answers are degraded: the service has no model")
    capacity = alone["throughput"]
    rate = given.times * capacity
    print(f"capacity {capacity:.0f} a second; now {rate:.0f} for {given.seconds:.0f} s")
    load = bench(given.program, given.addr, given.questions, "--rate", rate, "--concurrency", 2000, "--duration",
                 given.seconds, "--timeout", given.deadline)
    asked, checked, late = asyncio.run(observe(given.addr, "医保断缴了怎么办", given.seconds - 2, given.deadline, 0.05))
    report = json.loads(load.communicate()[0])
    print("load: answered", report["answered"], "errors", report["errors"], "latency of answers", report["latency_ms"])
    for name, times in [("question", asked), ("health", checked)]:
        for code, found in sorted(times.items()):
            print(f"{name} {code}: {figures(found)}")
    print(f"this program's loop, woken late: {figures(late)}")
    time.sleep(1)
    asked, _, _ = asyncio.run(observe(given.addr, "医保断缴了怎么办", 2, given.deadline, 0.05))
    print("a second later:", {code: figures(found) for code, found in asked.items()})


if __name__ == "__main__":
    main()
