"""Rates, turns, sizes, circuits, tokens: what a server takes in, and whom it turns away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from llmops.errors import UsageError
from llmops.runtime.serving.breaker import Breaker, CircuitOpen
from llmops.runtime.serving.limits import CLIENTS, BodyLimit, Concurrency, Overloaded, RateLimit, RateLimited
from llmops.runtime.serving.tokens import VARIABLE, Guard, is_loopback, read_tokens, require_bindable

TOKEN, NEXT = "the-first-token-of-all", "the-next-token-of-all"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_client_may_spend_a_minute_at_once_and_then_waits(clock: Clock) -> None:
    rate = RateLimit(6, clock)
    for _ in range(6):
        rate.take("ada")
    with pytest.raises(RateLimited) as refused:
        rate.take("ada")
    assert refused.value.retry_after == pytest.approx(10)
    rate.take("bob")
    clock.now += 10
    rate.take("ada")
    with pytest.raises(RateLimited):
        rate.take("ada")


def test_waiting_longer_saves_no_more_than_a_minute(clock: Clock) -> None:
    rate = RateLimit(2, clock)
    rate.take("ada")
    clock.now += 3600
    rate.take("ada")
    rate.take("ada")
    with pytest.raises(RateLimited):
        rate.take("ada")


def test_clients_are_forgotten_the_quietest_first(clock: Clock) -> None:
    rate = RateLimit(1, clock)
    for number in range(CLIENTS + 1):
        rate.take(f"client {number}")
    with pytest.raises(RateLimited):
        rate.take(f"client {CLIENTS}")
    rate.take("client 0")
    assert len(rate._buckets) == CLIENTS


def test_only_so_many_turns_at_once_and_the_rest_waits_or_goes() -> None:
    async def play() -> list[str]:
        turns, told = Concurrency(2, 1, 0.05), []
        inside, leave = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with turns.turn():
                inside.set()
                await leave.wait()

        async def attempt(name: str) -> None:
            try:
                async with turns.turn():
                    told.append(f"{name} in")
            except Overloaded as error:
                told.append(f"{name}: {error}")

        holders = [asyncio.create_task(hold()) for _ in range(2)]
        await inside.wait()
        waiting = asyncio.create_task(attempt("second"))
        await asyncio.sleep(0)
        await attempt("third")
        await waiting
        late = asyncio.create_task(attempt("fourth"))
        await asyncio.sleep(0)
        leave.set()
        await asyncio.gather(*holders, late)
        await attempt("fifth")
        return told

    told = asyncio.run(play())
    assert told[0] == "third: The server has too many requests waiting."
    assert told[1].startswith("second: The server had no time")
    assert told[2:] == ["fourth in", "fifth in"]


def test_a_turn_is_given_back_when_its_request_fails() -> None:
    async def play() -> None:
        turns = Concurrency(1, 1, 0.05)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with turns.turn():
                    raise ZeroDivisionError

    asyncio.run(play())


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def client(wrap: Callable[[Any], Any]) -> TestClient:
    routes = [Route(path, echo, methods=["GET", "POST"]) for path in ("/v1/answers", "/health", "/")]
    return TestClient(wrap(Starlette(routes=routes)), base_url="http://127.0.0.1:8080")


@pytest.mark.parametrize(("size", "status"), [(0, 200), (10, 200), (11, 413), (100_000, 413)])
@pytest.mark.parametrize("announced", [True, False])
def test_large_bodies_are_refused_announced_or_not(size: int, status: int, announced: bool) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(size):
            yield b"x"

    response = client(lambda app: BodyLimit(app, 10)).post("/v1/answers", content=b"x" * size if announced else pieces())
    assert response.status_code == status
    assert response.text == str(size) if status == 200 else response.json()["error"]["code"] == "too_large"


class Down(Exception):
    """The model failed."""


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Down), breaker.attempt(Down):
            raise Down


def test_a_circuit_opens_after_failures_and_one_success_closes_it(clock: Clock) -> None:
    breaker = Breaker(failures=3, window=10, pause=4, clock=clock)
    fail(breaker, 2)
    assert not breaker.is_open
    fail(breaker)
    with pytest.raises(CircuitOpen) as refused, breaker.attempt(Down):
        raise AssertionError("nobody is sent to a model that is down")
    assert 1 <= refused.value.retry_after <= 4
    clock.now += 4
    with breaker.attempt(Down):
        pass
    assert not breaker.is_open
    fail(breaker, 2)
    assert not breaker.is_open


def test_failures_far_apart_open_nothing(clock: Clock) -> None:
    breaker = Breaker(failures=3, window=10, clock=clock)
    for _ in range(6):
        fail(breaker)
        clock.now += 6
    assert not breaker.is_open


def test_only_one_request_finds_out_and_a_failed_one_waits_twice_as_long(clock: Clock) -> None:
    breaker = Breaker(failures=1, pause=4, longest=10, clock=clock)
    fail(breaker)
    waits = []
    for _ in range(3):
        clock.now = breaker._until or 0
        with pytest.raises(Down), breaker.attempt(Down):
            with pytest.raises(CircuitOpen), breaker.attempt(Down):
                pass
            raise Down
        waits.append((breaker._until or 0) - clock.now)
    assert 4 <= waits[0] <= 8 and 5 <= waits[1] <= 10 and 5 <= waits[2] <= 10


def test_what_says_nothing_of_the_model_leaves_the_circuit_as_it_is(clock: Clock) -> None:
    breaker = Breaker(failures=1, clock=clock)
    with pytest.raises(KeyError), breaker.attempt(Down):
        raise KeyError
    assert not breaker.is_open
    fail(breaker)
    clock.now += 60
    with pytest.raises(KeyError), breaker.attempt(Down):
        raise KeyError
    with breaker.attempt(Down):
        pass
    assert not breaker.is_open


def guarded(*tokens: str, host: str = "127.0.0.1") -> TestClient:
    return client(lambda app: Guard(app, [token.encode() for token in tokens], host))


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/v1/answers", None, 401),
        ("/v1/answers", f"Bearer {TOKEN}", 200),
        ("/v1/answers", f"bearer {NEXT}", 200),
        ("/v1/answers", f"Basic {TOKEN}", 401),
        ("/v1/answers", TOKEN, 401),
        ("/v1/answers", f"Bearer {TOKEN}x", 401),
        ("/v1/answers", "Bearer ", 401),
        ("/health", None, 200),
        ("/", None, 200),
        ("/health/", None, 401),
    ],
)
def test_tokens_open_what_is_not_open(path: str, authorization: str | None, status: int) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    response = guarded(TOKEN, NEXT).get(path, headers=headers)
    assert response.status_code == status
    assert (response.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)


@pytest.mark.parametrize(
    ("headers", "host", "status"),
    [
        ({"Host": "evil.example"}, "127.0.0.1", 403),
        ({"Host": "localhost:8080"}, "127.0.0.1", 200),
        ({"Host": "[::1]:8080"}, "::1", 200),
        ({"Host": "assistant.example"}, "0.0.0.0", 200),
        ({"Origin": "https://evil.example"}, "127.0.0.1", 403),
        ({"Origin": "http://127.0.0.1:8080"}, "127.0.0.1", 200),
        ({"Origin": "null"}, "127.0.0.1", 403),
        ({"Origin": "http://127.0.0.1:9"}, "127.0.0.1", 403),
    ],
)
def test_other_names_and_other_pages_are_refused(headers: dict[str, str], host: str, status: int) -> None:
    assert guarded(host=host).get("/v1/answers", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("example.org", False), ("", False)],
)
def test_loopback_is_known(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_a_host_that_others_reach_needs_a_token() -> None:
    with pytest.raises(UsageError, match="can be reached by others"):
        require_bindable("0.0.0.0", ())
    require_bindable("0.0.0.0", (b"x",))
    require_bindable("localhost", ())


@pytest.mark.parametrize(("given", "tokens"), [(None, 0), (TOKEN, 1), (f"{TOKEN}, {NEXT}", 2)])
def test_tokens_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, given: str | None, tokens: int) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if given:
        monkeypatch.setenv(VARIABLE, given)
    assert len(read_tokens()) == tokens


@pytest.mark.parametrize("given", ["", "short", f"{TOKEN},", f"{TOKEN}, short"])
def test_a_token_that_is_no_secret_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(VARIABLE, given)
    with pytest.raises(UsageError, match="fewer than 16"):
        read_tokens()
