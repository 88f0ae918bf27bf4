"""A loopback server that answers as GitHub's REST API does, for one repository: pull requests, artifacts, comments in pages.

Redirects an artifact's download to another server, as GitHub does, and notes what that one was shown.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "acme/assistants"
TOKEN = "a-token-of-the-run"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
ADA = {"login": "ada", "type": "User"}
LONGEST = 65_536
ARTIFACT = "llmops-plan"
SHA = "a" * 40


def archive(content: bytes, name: str = "plan.json", compression: int = zipfile.ZIP_DEFLATED, *, evaluation: int = 0) -> bytes:
    """`evaluation` is the size of a report that packs badly, in bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as file:
        file.writestr("check-dev.sarif", "{}")
        file.writestr("evaluation.html", bytes(evaluation), zipfile.ZIP_STORED)
        file.writestr(name, content)
    return packed.getvalue()


def pull_request(number: int = 7, sha: str = SHA, repository: str = "eve/fork", state: str = "open") -> dict[str, Any]:
    owner = repository.partition("/")[0]
    return {
        "number": number,
        "state": state,
        "head": {"sha": sha, "ref": "feature", "label": f"{owner}:feature", "repo": {"full_name": repository}},
        "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
    }


def event(sha: str = SHA, repository: str | None = "eve/fork", run: int = 99) -> dict[str, Any]:
    """What workflow_run says. It lists no pull requests for a fork, as GitHub's does not."""
    home = {"full_name": repository, "owner": {"login": repository.partition("/")[0]}} if repository else None
    return {"workflow_run": {"id": run, "head_sha": sha, "head_branch": "feature", "head_repository": home, "pull_requests": []}}


@dataclass
class Hub:
    """What GitHub holds."""

    pulls: list[dict[str, Any]] = field(default_factory=lambda: [pull_request()])
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    archives: dict[int, bytes] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    shown_to_storage: list[str | None] = field(default_factory=list)
    storage: str = ""
    locked: bool = False

    def add_artifact(self, content: bytes, run: int = 99, name: str = ARTIFACT, *, expired: bool = False) -> None:
        number = 1000 + len(self.artifacts)
        self.artifacts.append({"id": number, "name": name, "run": run, "expired": expired, "size_in_bytes": len(content)})
        self.archives[number] = content

    def add_comment(self, body: str, user: dict[str, str] | None = None) -> int:
        number = 5000 + len(self.comments)
        self.comments.append({"id": number, "issue": 7, "body": body, "user": user})
        return number

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and answer; the location for a redirect."""
        for pattern, known, reply in (
            (r"pulls", "GET", self._pulls),
            (r"actions/runs/(\d+)/artifacts", "GET", self._artifacts),
            (r"actions/artifacts/(\d+)/zip", "GET", self._zip),
            (r"issues/(\d+)/comments", "GET", self._comments),
            (r"issues/(\d+)/comments", "POST", self._post),
            (r"issues/comments/(\d+)", "PATCH", self._patch),
        ):
            match = re.fullmatch(f"/repos/{REPOSITORY}/{pattern}", path)
            if match and method == known:
                return reply(query, body, *map(int, match.groups()))  # type: ignore[operator]
        return 404, {"message": "Not Found"}

    def _pulls(self, query: dict[str, str], _: Any) -> tuple[int, Any]:
        rows = [row for row in self.pulls if row["state"] == query["state"] and row["head"]["label"] == query["head"]]
        return 200, paged(rows, query)

    def _artifacts(self, query: dict[str, str], _: Any, run: int) -> tuple[int, Any]:
        rows = [row for row in self.artifacts if row["run"] == run and row["name"] == query.get("name", row["name"])]
        return 200, {"total_count": len(rows), "artifacts": paged(rows, query)}

    def _zip(self, _: dict[str, str], __: Any, number: int) -> tuple[int, Any]:
        return 302, f"{self.storage}/{number}?signature=secret"

    def _comments(self, query: dict[str, str], _: Any, issue: int) -> tuple[int, Any]:
        return 200, paged([row for row in self.comments if row["issue"] == issue], query)

    def _post(self, _: dict[str, str], body: Any, issue: int) -> tuple[int, Any]:
        if self.locked:
            return 403, {"message": "Unable to create comment because issue is locked."}
        if len(body["body"]) > LONGEST:
            return 422, {"message": "Body is too long (maximum is 65536 characters)"}
        number = self.add_comment(body["body"], BOT)
        self.comments[-1]["issue"] = issue
        return 201, {"id": number}

    def _patch(self, _: dict[str, str], body: Any, number: int) -> tuple[int, Any]:
        (row,) = (row for row in self.comments if row["id"] == number)
        if row["user"] != BOT:
            return 403, {"message": "Resource not accessible by integration"}
        row["body"] = body["body"]
        return 200, row


def paged(rows: list[Any], query: dict[str, str]) -> list[Any]:
    """Thirty a page unless more are asked for, and never more than a hundred."""
    size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
    return rows[(page - 1) * size : page * size]


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """The address of the API; the storage of artifacts has another."""
    with _started(_api(hub)) as api, _started(_storage(hub)) as storage:
        hub.storage = storage
        yield api


@contextmanager
def _started(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """The tests print nothing."""

    def give(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _api(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(_Quiet):
        def _handle(self) -> None:
            url = urlsplit(self.path)
            hub.requests.append(f"{self.command} {url.path}")
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.give(401, b'{"message": "Bad credentials"}')
                return
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            status, answer = hub.answer(self.command, url.path, query, body)
            if status == 302:
                self.give(status, b"", Location=answer)
            else:
                self.give(status, json.dumps(answer).encode())

        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def do_PATCH(self) -> None:
            self._handle()

    return Handler


def _storage(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(_Quiet):
        def do_GET(self) -> None:
            hub.shown_to_storage.append(self.headers.get("Authorization"))
            number = int(urlsplit(self.path).path.strip("/"))
            try:
                self.give(200, hub.archives[number])
            except (BrokenPipeError, ConnectionResetError):
                return  # the reader had enough

    return Handler
