"""The HTTP interface: chat completions as OpenAI has them, plain answers, health, metrics, the proof, the hot switch, a chat page."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse

from llmops.errors import UsageError
from llmops.runtime.assistant import Answer
from llmops.runtime.serving.chat import ChatRequest, QuestionRequest, chunk, completion, last_chunk, plain
from llmops.runtime.serving.errors import Failure, body_of, error_body, error_response
from llmops.runtime.serving.page.routes import PAGE_ROUTES

if TYPE_CHECKING:
    from llmops.runtime.serving.desk import Desk

INVALID = "invalid_request_error"


def build_app(desk: Desk) -> FastAPI:
    """The routes over a desk. Middleware that guards them is put around by `server`."""
    app = FastAPI(title="llmops", docs_url=None, redoc_url=None, openapi_url=None, routes=list(PAGE_ROUTES))
    _add_answers(app, desk)
    _add_inspection(app, desk)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(Exception)(_failed)
    return app


def _add_answers(app: FastAPI, desk: Desk) -> None:
    @app.post("/v1/chat/completions")
    async def complete(request: Request, asked: ChatRequest) -> Response:
        try:
            question = asked.question()
            if asked.stream:
                return await _streamed(desk, request, asked, question)
            answer = await desk.answer(_client(request), asked.model, question, asked.user)
        except Exception as error:
            return desk.failed(asked.model, error)
        return JSONResponse(completion(answer, asked.ignored()), headers=_headers(answer))

    @app.post("/v1/answers")
    async def answer(request: Request, asked: QuestionRequest) -> Response:
        try:
            name = asked.application or desk.only_application()
            given = await desk.answer(_client(request), name, asked.question, asked.user)
        except Exception as error:
            return desk.failed(asked.application, error)
        return JSONResponse(plain(given, desk.disclosure(name)), headers=_headers(given))


async def _streamed(desk: Desk, request: Request, asked: ChatRequest, question: str) -> Response:
    """The first piece is waited for, so that a failure before it has a status of its own."""
    pieces = desk.stream(_client(request), asked.model, question, asked.user)
    first = await anext(pieces)
    return StreamingResponse(_events(desk, asked, first, pieces), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _events(desk: Desk, asked: ChatRequest, first: str | Answer, pieces: AsyncIterator[str | Answer]) -> AsyncIterator[bytes]:
    id_ = first.id if isinstance(first, Answer) else uuid.uuid4().hex  # the interaction's own comes with the last chunk
    try:
        yield _event(_piece(id_, asked, first))
        async for piece in pieces:
            yield _event(_piece(id_, asked, piece))
    except Exception as error:
        desk.failed(asked.model, error)
        yield _event(body_of(error))
        return
    yield b"data: [DONE]\n\n"


def _piece(id_: str, asked: ChatRequest, piece: str | Answer) -> dict[str, Any]:
    if isinstance(piece, Answer):
        return last_chunk(id_, asked.model, piece, asked.ignored())
    return chunk(id_, asked.model, piece)


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _add_inspection(app: FastAPI, desk: Desk) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> Response:
        reasons = desk.reasons_not_ready()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        content, kind = desk.exposed()
        return Response(content, media_type=kind)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        entries = [{"id": entry["name"], "object": "model", "owned_by": entry["owner"]} for entry in desk.applications()]
        return {"object": "list", "data": entries}

    @app.get("/v1/applications")
    async def applications() -> list[dict[str, Any]]:
        return desk.applications()

    @app.get("/release")
    async def release() -> Response:
        proof = await desk.prove()
        return JSONResponse(proof, 200 if proof["attested"] else 409)

    @app.post("/-/switch")
    async def switch(request: Request) -> Response:
        try:
            releases = await desk.switch_to(_bundle(await request.body()))
        except Exception as error:
            return desk.switch_refused(error)
        return JSONResponse({"switched": True, **releases})


def _bundle(body: bytes) -> Path | None:
    """The folder named in the body `{"bundle": …}`; without a body, the one that is served."""
    if not body:
        return None
    try:
        value = orjson.loads(body)
        return Path(value["bundle"]) if value.get("bundle") else None
    except (orjson.JSONDecodeError, AttributeError, TypeError) as error:
        raise UsageError('The body is not {"bundle": "FOLDER"}.', "Send no body to load the served folder again.") from error


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _headers(answer: Answer) -> dict[str, str]:
    return {"x-llmops-release": answer.release, "x-llmops-interaction": answer.id}


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"][1:])
    text = f"{place}: {first['msg']}" if place else first["msg"]
    return JSONResponse(error_body(Failure(400, "invalid_request", INVALID), text, "See docs/serving.md for the form."), 400)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    return JSONResponse(error_body(Failure(error.status_code, code, INVALID), str(error.detail), ""), error.status_code)


async def _failed(request: Request, error: Exception) -> Response:
    return error_response(error)
