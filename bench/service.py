"""Times the HTTP service under load: so many requests a second over so many open connections.

Run it as `LEARNER_PROGRESS_HOME=… python -m bench.service`; it starts the service on that home's
snapshot, asks for learners and courses drawn from it, and prints how long the answers took. A
request's time counts from the moment at which it was due, so that a slow answer before it counts.
"""

import argparse
import http.client
import json
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue
from urllib.parse import quote

from orchestration.published import connect
from orchestration.settings import load_settings

_PAIRS = """
select learner_id, course_id
from progress.course_progress
where course_id in (select course_id from marts.course_completion)
using sample reservoir(2000 rows) repeatable (1)
"""


def paths(seed: int) -> Iterator[str]:
    """What an application asks: courses of learners, their lessons, now and then a course."""
    with connect(load_settings()) as snapshot:
        pairs = snapshot.execute(_PAIRS).fetchall()
    draw = random.Random(seed)  # noqa: S311
    while True:
        learner, course = (quote(name, safe="") for name in draw.choice(pairs))
        kinds = [f"/learners/{learner}/courses", f"/learners/{learner}/courses/{course}/lessons"]
        kinds.append(f"/courses/{course}/completion")
        yield draw.choices(kinds, [5, 4, 1])[0]


@contextmanager
def serving(token: str) -> Iterator[int]:
    """The service in a process of its own, as `make api` starts it; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    named = {"LEARNER_PROGRESS_API_PORT": str(port), "LEARNER_PROGRESS_API_TOKEN": token}
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.service"], env={**os.environ, **named}
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None:
                    sys.exit("The service did not start.")
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def measure(port: int, token: str, *, connections: int, rate: float, seconds: float) -> list[float]:
    """Ask at a steady rate over connections that stay open; seconds from due to answered."""
    free: Queue[http.client.HTTPConnection] = Queue()
    for _ in range(connections):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        line.connect()
        free.put(line)
    asked = paths(1)
    asking: list[Future[float]] = []

    def ask(path: str, due: float) -> float:
        line = free.get()
        line.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = line.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body}")
        free.put(line)
        return time.perf_counter() - due

    with ThreadPoolExecutor(connections) as pool:
        begun = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            path = next(asked)
            time.sleep(max(0.0, due - time.perf_counter()))
            asking.append(pool.submit(ask, path, due))
        return [one.result() for one in asking]


def main() -> None:
    """Print the percentiles in milliseconds, for people or as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    token = secrets.token_hex(16)
    with serving(token) as port:
        for seconds in (5, given.seconds):  # the first look at a snapshot doesn't count
            waits = measure(
                port, token, connections=given.connections, rate=given.rate, seconds=seconds
            )
    cuts = statistics.quantiles(waits, n=100)
    figures = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(waits)}
    shown = ", ".join(f"{name} {1_000 * value:.1f} ms" for name, value in figures.items())
    print(f"{len(waits)} answers, {given.rate:g}/s over {given.connections} connections: {shown}")


if __name__ == "__main__":
    main()
