"""The log of interactions: one row a question and its answer, in a SQLite file that several processes may write."""

from llmops.runtime.interactions.refusal import is_refusal
from llmops.runtime.interactions.row import COLUMNS, Interaction, stamp
from llmops.runtime.interactions.table import LOG_FILE, Retention, forget, read, record
from llmops.runtime.interactions.writer import Log, LogUnavailable

__all__ = ["COLUMNS", "LOG_FILE", "Interaction", "Log", "LogUnavailable", "Retention", "forget", "is_refusal", "read", "record", "stamp"]
