"""The log of interactions: one row a question and its answer, in a SQLite file that several processes may write."""

from llmops.runtime.interactions.history import forget, forget_user, read
from llmops.runtime.interactions.refusal import is_refusal
from llmops.runtime.interactions.row import COLUMNS, Interaction, stamp
from llmops.runtime.interactions.table import LOG_FILE, Retention, record
from llmops.runtime.interactions.writer import Log, LogUnavailable

__all__ = [
    "COLUMNS",
    "LOG_FILE",
    "Interaction",
    "Log",
    "LogUnavailable",
    "Retention",
    "forget",
    "forget_user",
    "is_refusal",
    "read",
    "record",
    "stamp",
]
