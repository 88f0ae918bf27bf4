"""A workspace whose applications are served over the stub model, and the server's process: for benchmarks and tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
TOKEN = "a-token-for-the-tests"
RULES = """\
    - id: instructions
      stage: [input]
      detector: {kind: regex, patterns: ['(?i)\\bignore\\b.{0,30}\\binstructions\\b']}
      action: refuse
      message: I only answer questions.
    - id: secrets-in
      stage: [input]
      detector: {kind: secrets}
      action: block
      message: Please keep secrets to yourself.
    - id: length-in
      stage: [input]
      detector: {kind: length, min: 1, max: 2000}
      action: block
    - id: words-out
      stage: [output]
      detector: {kind: keywords, words: [project-nightfall]}
      action: block
      message: I can't talk about that.
    - id: mail-out
      stage: [output]
      detector: {kind: pii, entities: [EMAIL_ADDRESS, CREDIT_CARD], threshold: 0.35}
      action: redact
"""
SETTINGS = """\
apiVersion: llmops/v1
kind: Workspace
metadata: {name: served}
spec: {default_environment: dev, environments: {dev: }}
"""
SPECS = """\
apiVersion: llmops/v1
kind: Model
metadata: {{name: stub, owner: ml}}
spec:
  task: chat
  provider: openai
  model: stub
  endpoint: {{url: "{url}/v1", api_key: {{env: STUB_KEY}}, timeout_seconds: {timeout}}}
  price: {{input: 1, output: 2}}
  context_window: 4096
---
apiVersion: llmops/v1
kind: Prompt
metadata: {{name: answer, owner: ml}}
spec:
  version: 1.0.0
  changelog: First.
  variables: {{question: {{type: string, description: The question}}}}
  messages:
    - {{role: system, content: Answer briefly.}}
    - {{role: user, content: "{mark}{{{{ question }}}}"}}
---
apiVersion: llmops/v1
kind: SafetyPolicy
metadata: {{name: strict, owner: safety}}
spec:
  engines: [{engine}]
  rules:
{rules}---
apiVersion: llmops/v1
kind: Application
metadata: {{name: shop, owner: ml, description: Answers about the shop.}}
spec: {{model: stub, prompt: answer, safety: strict, limits: {{question_tokens: 512}}, disclosure: You are talking to a machine.}}
---
apiVersion: llmops/v1
kind: Application
metadata: {{name: bare, owner: ml, description: Has no rails.}}
spec: {{model: stub, prompt: answer, limits: {{question_tokens: 512}}}}
"""


def write_workspace(root: Path, url: str, *, engine: str = "guardrails-ai", mark: str = "", timeout: int = 3, rules: str = RULES) -> Path:
    """The workspace at `root`. `mark` stands before each question in the prompt, so that an answer shows which version made it."""
    (root / "specs").mkdir(parents=True, exist_ok=True)
    (root / "llmops.yaml").write_text(SETTINGS, "utf-8")
    (root / "specs/all.yaml").write_text(SPECS.format(url=url, engine=engine, mark=mark, timeout=timeout, rules=rules), "utf-8")
    return root


@dataclass
class Server:
    """A running `llmops serve`. `kill` ends it as a power switch would."""

    root: Path
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it said."""
        return (self.root / "server.txt").read_text("utf-8")

    def start(self, seconds: float = 60) -> Server:
        """Waits until it is ready. Raises `RuntimeError` with what it said where it ends instead."""
        self.port = self.port or free_port()
        command = [sys.executable, "-m", "llmops", "serve", "--port", str(self.port), *self.arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "compiler"), "STUB_KEY": "x", **self.variables}
        with (self.root / "server.txt").open("w") as said:
            self.process = subprocess.Popen(command, cwd=self.root, env=environment, stdout=said, stderr=said, text=True)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.log}")
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return self
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {self.log}")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """Asks it to stop, and returns its exit code."""
        assert self.process
        self.process.terminate()
        return self.process.wait(60)

    def ask(self, question: str, application: str = "shop", **more: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/answers", json={"application": application, "question": question, **more}, timeout=60)

    def stream(self, question: str, application: str = "shop") -> Iterator[str]:
        """The lines of a streamed answer."""
        body = {"model": application, "stream": True, "messages": [{"role": "user", "content": question}]}
        with httpx.stream("POST", f"{self.url}/v1/chat/completions", json=body, timeout=60) as response:
            yield from (line for line in response.iter_lines() if line)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(root: Path, *arguments: str, **variables: str) -> Iterator[Server]:
    """The workspace at `root`, served for the block."""
    server = Server(root, arguments, variables)
    try:
        yield server.start()
    finally:
        server.kill()
