"""Shows the plan of a pull request's run as one comment, which is updated in place. For the event workflow_run.

Everything of the run but what GitHub says of it is a stranger's: the artifact is data of a bounded size, rendered by the llmops
installed here. The pull request is found by the run's commit, never by what the artifact says. Standard library only.
"""
# Printing is how an action says what it did.
# ruff: noqa: T201

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BOT = "github-actions[bot]"
MOST_CHARACTERS = 65_536
"""Of a comment: GitHub refuses a longer one."""
MOST_BYTES = 5_000_000
"""Of plan.json."""
MOST_PACKED = 50_000_000
"""Bytes of the archive that it comes in, which also holds the answers of an evaluation."""
PAGE = 100
TIMEOUT = 60
PLAN = "plan.json"
REPORT_MARKER = "<!-- llmops-plan -->"
"""The first line of every plan's Markdown. Ours stands in its place, since a pull request may have a comment for each workspace."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_JOINER = "\u2060"
"""Has no width and joins no letters: `@` before it mentions nobody, `<!` before it opens no comment."""


class Unusable(Exception):
    """The run's artifact cannot be what our own action made."""


@dataclass(frozen=True, slots=True)
class Run:
    """The pull request's run, as GitHub describes it. `repository` is where its branch is, a fork's or this one."""

    number: int
    commit: str
    owner: str
    branch: str
    repository: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Run | None:
        """None where the branch's repository is gone."""
        run = event["workflow_run"]
        home = run["head_repository"]
        return cls(run["id"], run["head_sha"], home["owner"]["login"], run["head_branch"], home["full_name"]) if home else None


@dataclass(frozen=True, slots=True)
class Api:
    """GitHub's REST API for one repository. Raises `HTTPError` where it refuses."""

    url: str
    repository: str
    token: str

    def _send(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Request:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/repos/{self.repository}/{path}", data, method=method)  # noqa: S310 - the runner's own address
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        # An artifact is fetched from where GitHub redirects to, which must not see the token.
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        return request

    def write(self, method: str, path: str, body: Mapping[str, str]) -> None:
        with urlopen(self._send(method, path, body), timeout=TIMEOUT):  # noqa: S310
            pass

    def download(self, path: str, most: int) -> bytes:
        """One byte more than `most` where there is more than that."""
        with urlopen(self._send("GET", path), timeout=TIMEOUT) as answer:  # noqa: S310
            content: bytes = answer.read(most + 1)
            return content

    def pages(self, path: str, key: str = "", **query: str) -> Iterator[dict[str, Any]]:
        """All rows of all pages; `key` names the list where the answer is a map."""
        for page in range(1, sys.maxsize):
            asked = urlencode({**query, "per_page": PAGE, "page": page})
            with urlopen(self._send("GET", f"{path}?{asked}"), timeout=TIMEOUT) as answer:  # noqa: S310
                data = json.load(answer)
            rows = data[key] if key else data
            yield from rows
            if len(rows) < PAGE:
                return


def find_pull_request(api: Api, run: Run) -> int | None:
    """The open pull request whose last commit this is; None where there is none, or several, against different branches."""
    rows = api.pages("pulls", state="open", head=f"{run.owner}:{run.branch}")
    numbers = [row["number"] for row in rows if _is_of(row, run)]
    return numbers[0] if len(numbers) == 1 else None


def _is_of(row: Mapping[str, Any], run: Run) -> bool:
    head = row["head"]
    home = head["repo"]
    return bool(row["state"] == "open" and head["sha"] == run.commit and home and home["full_name"] == run.repository)


def find_comment(api: Api, number: int, marker: str) -> int | None:
    """Ours: written by the bot, and beginning with the marker. Anybody can write the marker into a comment of their own."""
    for row in api.pages(f"issues/{number}/comments"):
        author = row["user"] or {}
        if author.get("login") == BOT and author.get("type") == "Bot" and (row["body"] or "").startswith(marker):
            return int(row["id"])
    return None


def read_artifact(api: Api, run: Run, name: str) -> bytes | None:
    """plan.json of the run's artifact; None where the run left none. Raises `Unusable`."""
    rows = api.pages(f"actions/runs/{run.number}/artifacts", "artifacts", name=name)
    kept = [int(row["id"]) for row in rows if row["name"] == name and not row["expired"]]
    if not kept:
        return None
    # A run that was started again has one of each attempt; the last one has the highest number.
    archive = api.download(f"actions/artifacts/{max(kept)}/zip", MOST_PACKED)
    if len(archive) > MOST_PACKED:
        raise Unusable(f"The artifact is larger than {MOST_PACKED:,} bytes")
    return unpack(archive)


def unpack(archive: bytes) -> bytes | None:
    """plan.json and nothing else, in memory: no name in the archive becomes a path. None where there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            if PLAN not in files.namelist():
                return None
            if files.getinfo(PLAN).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Unusable("The archive is packed in a way that GitHub's own are not")
            with files.open(PLAN) as stream:
                plan = stream.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise Unusable(f"The artifact is no archive that can be read: {error}") from error
    if len(plan) > MOST_BYTES:
        raise Unusable(f"{PLAN} is larger than {MOST_BYTES:,} bytes")
    return plan


def render(plan: bytes) -> tuple[str, bool]:
    """Markdown, and whether anything changes. llmops checks the plan against its schema first. Raises `Unusable`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, PLAN)
        file.write_bytes(plan)
        command = ["llmops", "plan", "--read", str(file), "--format", "markdown"]
        kept = {name: value for name, value in os.environ.items() if name != "GITHUB_TOKEN"}
        try:
            done = subprocess.run(command, env=kept, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired as error:
            raise Unusable(f"llmops takes too long to read {PLAN}") from error
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise Unusable(f"llmops does not read {PLAN}: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout.decode().removeprefix(f"{REPORT_MARKER}\n"), done.returncode == 1


def disarm(text: str) -> str:
    """Markdown that mentions nobody and hides nothing, should the plan's own report have let such a thing through."""
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))
    return text.replace("@", f"@{_JOINER}").replace("<!", f"<!{_JOINER}")


def cut(text: str, most: int, note: str) -> str:
    """At most `most` characters as GitHub counts them, whole lines, with all blocks closed before the note that says so."""
    if _length(text) <= most:
        return text
    lines = text.splitlines(keepends=True)
    while lines and _length("".join(lines)) > most - 2_000:
        lines.pop()
    kept = "".join(lines)
    fences = sum(line.lstrip().startswith("```") for line in lines)
    closed = "```\n" * (fences % 2) + "\n</details>" * max(0, kept.count("<details") - kept.count("</details>"))
    return f"{kept}{closed}\n\n{note}\n"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def compose(marker: str, text: str, run: Run, address: str) -> str:
    """The comment. `address` is the run's page."""
    foot = f"\n\nCommit {run.commit}, [run {run.number}]({address})\n"
    most = MOST_CHARACTERS - _length(marker) - _length(foot) - 1
    return f"{marker}\n{cut(disarm(text), most, f'The rest does not fit: [the page of the run]({address}) shows everything.')}{foot}"


def plan_text(api: Api, run: Run, artifact: str) -> tuple[str, bool, bool]:
    """What to say, whether it is worth a comment of its own, and whether the artifact was sound."""
    try:
        plan = read_artifact(api, run, artifact)
        if plan is None:
            return "### llmops plan\n\nThe run made no plan; its log says why.", True, True
        return *render(plan), True
    except Unusable as error:
        # A stranger's text may be in it: on one line, where no workflow command begins.
        print(f"not shown: {json.dumps(str(error))}")
        return "### llmops plan\n\nThe plan of this run cannot be read, and is not shown.", True, False


def publish(api: Api, run: Run, artifact: str, server: str) -> int:
    """Returns the exit code: 1 where the artifact is not what our action makes."""
    number = find_pull_request(api, run)
    if number is None:
        print(f"Commit {run.commit} is not the last one of exactly one open pull request: no comment.")
        return 0
    marker = f"<!-- llmops: {artifact} -->"
    text, worth, sound = plan_text(api, run, artifact)
    existing = find_comment(api, number, marker)
    body = compose(marker, text, run, f"{server}/{api.repository}/actions/runs/{run.number}")
    if existing is not None:
        api.write("PATCH", f"issues/comments/{existing}", {"body": body})
    elif worth:
        api.write("POST", f"issues/{number}/comments", {"body": body})
    done = "updated" if existing is not None else "wrote" if worth else "nothing changes: did not write"
    print(f"{done} the comment of pull request {number}")
    return 0 if sound else 1


def main() -> int:
    """Everything that it needs is in the variables that GitHub sets, beside GITHUB_TOKEN and LLMOPS_ARTIFACT."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))
    run = Run.of(event)
    if run is None:
        print("The repository of the pull request is gone: no comment.")
        return 0
    api = Api(os.environ["GITHUB_API_URL"], os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_TOKEN"])
    try:
        return publish(api, run, os.environ.get("LLMOPS_ARTIFACT", "llmops-plan"), os.environ["GITHUB_SERVER_URL"])
    except HTTPError as error:
        print(f"GitHub refuses: {error.code} {json.dumps(error.reason)}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
