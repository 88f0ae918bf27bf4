"""A small client of yaml-language-server: what an editor would ask about a file, over standard input and output."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

CAPABILITIES = {
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {"relatedInformation": True},
    },
    "workspace": {"configuration": True},
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line of the completion list: what is shown, what it explains, what it writes (a snippet, `$1` a stop)."""

    label: str
    documentation: str
    text: str


@dataclass(slots=True)
class LanguageServer:
    """An initialised server over one folder. `settings` are what the editor has under `yaml`."""

    process: subprocess.Popen[bytes]
    folder: Path
    settings: dict[str, Any]
    number: int = 0
    found: dict[str, list[str]] = field(default_factory=dict)
    """Messages of the diagnostics of each opened file, by its address."""

    def complete(self, file: str, text: str, line: int, column: int) -> list[Suggestion]:
        """The suggestions at a place (line and column from 0) of an unsaved file."""
        result = self._ask("textDocument/completion", self._place(file, text, line, column))
        return [Suggestion(item["label"], _plain(item.get("documentation")), _inserted(item)) for item in result["items"]]

    def hover(self, file: str, text: str, line: int, column: int) -> str:
        """The Markdown that an editor shows at a place; empty where it has nothing to say."""
        result = self._ask("textDocument/hover", self._place(file, text, line, column))
        return _plain(result["contents"]) if result else ""

    def diagnostics(self, file: str, text: str) -> list[str]:
        """What the editor underlines in an unsaved file."""
        address = self._open(file, text)
        while address not in self.found:
            self._read()
        return self.found[address]

    def _open(self, file: str, text: str) -> str:
        self.number += 1
        address = (self.folder / file).with_name(f"{self.number}-{Path(file).name}").as_uri()
        document = {"uri": address, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return address

    def _place(self, file: str, text: str, line: int, column: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self._open(file, text)}, "position": {"line": line, "character": column}}

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self.number += 1
        number = self.number
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _read(self) -> dict[str, Any]:
        """The next message; questions of the server are answered, diagnostics kept."""
        assert self.process.stdout is not None
        message = _received(self.process.stdout)
        if message.get("method") == "workspace/configuration":
            values = [self.settings.get(item["section"], {}) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": values})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.found[message["params"]["uri"]] = [d["message"] for d in message["params"]["diagnostics"]]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": None})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(content) + content)
        self.process.stdin.flush()

    def initialise(self) -> None:
        options = {"processId": None, "rootUri": self.folder.as_uri(), "capabilities": CAPABILITIES}
        self._ask("initialize", {**options, "workspaceFolders": [{"uri": self.folder.as_uri(), "name": "workspace"}]})
        self._send({"method": "initialized", "params": {}})
        # The server asks for the settings in its own time; until it has them it knows no schema.
        while self._read().get("method") != "workspace/configuration":
            pass


@contextmanager
def language_server(command: list[str], folder: Path, settings: dict[str, Any]) -> Iterator[LanguageServer]:
    """Starts the server, and stops it afterwards."""
    with subprocess.Popen([*command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            server = LanguageServer(process, folder, settings)
            server.initialise()
            yield server
        finally:
            process.kill()


def _received(stream: IO[bytes]) -> dict[str, Any]:
    length = 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    assert length, "the language server has ended"
    message: dict[str, Any] = json.loads(stream.read(length))
    return message


def _plain(documentation: Any) -> str:
    return documentation["value"] if isinstance(documentation, dict) else documentation or ""


def _inserted(item: dict[str, Any]) -> str:
    return str(item.get("textEdit", {}).get("newText", item.get("insertText", item["label"])))
