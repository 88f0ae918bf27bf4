"""Look at what was asked and answered: the newest interactions, one with the YAML that made it, SQL over all of them; export, delete.

llmops log tail [-f]        the newest, and those that come
llmops log show ID          one interaction, its passages and verdicts, and the lines of YAML behind it
llmops log query SQL        a SELECT over the view `interactions`
llmops log export           every row, as JSON Lines, CSV or Parquet
llmops log cases            what was asked, as cases of a dataset
llmops log seal             move rows of closed hours into Parquet files
llmops log forget           delete what one user asked, or what is older than a date
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.cli.inspection import write_whole
from llmops.cli.parts import require_extra
from llmops.cli.terminal import add_workspace_arguments, workspace_root
from llmops.errors import UsageError

if TYPE_CHECKING:
    from llmops.runtime.interactions import Interaction

EXAMPLES = """\
examples:
  llmops log tail -f --app handbook-assistant
  llmops log show 00416f026e494bd3b347193537401a9f
  llmops log query "SELECT prompt, count(*), avg(latency_ms) FROM interactions GROUP BY prompt"
  llmops log export --format csv --output log.csv
  llmops log cases --app handbook-assistant -n 200 --output evals/asked.jsonl
  llmops log forget --user ada
"""

UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters: what people asked must not steer the terminal of whoever reads it."""
POLL_SECONDS = 0.5
CELL = 60
"""Characters of a cell in a table."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace_arguments(parser)
    parser.add_argument("what", choices=tuple(ACTIONS), help="what to do")
    parser.add_argument("value", nargs="?", metavar="ID|SQL", help="of `show` and `query`")
    parser.add_argument("--app", metavar="NAME", help="only this application")
    parser.add_argument("-n", "--number", type=int, default=10, metavar="N", help="how many `tail` shows and `cases` takes (default: 10)")
    parser.add_argument("-f", "--follow", action="store_true", help="wait for more; Ctrl-C ends it")
    parser.add_argument("--format", choices=("jsonl", "csv", "parquet"), default="jsonl", help="of `export` (default: jsonl)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="of `export` and `cases`; Parquet needs one (default: standard output)")
    parser.add_argument("--user", metavar="ID", help="whose interactions `forget` deletes, as the application named them")
    parser.add_argument("--before", metavar="DATE", help="`forget` deletes what is older, as 2026-11-01; needs --app")


def run(args: argparse.Namespace) -> int:
    require_extra("run")
    root = workspace_root(args).resolve()
    return ACTIONS[args.what](root, args)


def _rows(root: Path, args: argparse.Namespace) -> list[Interaction]:
    """Oldest first."""
    from llmops.runtime.interactions.row import Interaction
    from llmops.runtime.interactions.sealed import NAMES, query

    where = " WHERE application = '{}'".format(args.app.replace("'", "''")) if args.app else ""
    _, rows = query(root, f"SELECT {NAMES} FROM interactions{where} ORDER BY time, id")  # noqa: S608 - quoted
    return [Interaction(*row) for row in rows]


def _tail(root: Path, args: argparse.Namespace) -> int:
    rows = _rows(root, args)
    if not rows and not args.follow:
        print("Nothing is logged yet.", file=sys.stderr)
    for row in rows[-args.number :]:
        print(_brief(row), flush=True)
    seen = {row.id for row in rows}
    while args.follow:
        time.sleep(POLL_SECONDS)
        for row in _rows(root, args):
            if row.id not in seen:
                seen.add(row.id)
                print(_brief(row), flush=True)
    return 0


def _show(root: Path, args: argparse.Namespace) -> int:
    if not args.value:
        raise UsageError("log show needs an id", "llmops log tail shows them.")
    found = [row for row in _rows(root, args) if row.id.startswith(args.value)]
    if len(found) != 1:
        raise UsageError(f"{len(found)} interactions have an id that begins with {args.value!r}", "llmops log tail shows the ids.")
    print(_full(found[0], list(_lines_of_yaml(root, found[0]))))
    return 0


def _query(root: Path, args: argparse.Namespace) -> int:
    from llmops.runtime.interactions.sealed import query

    if not args.value:
        raise UsageError("log query needs a SELECT", 'llmops log query "SELECT count(*) FROM interactions"')
    print(_table(*query(root, args.value)))
    return 0


def _export(root: Path, args: argparse.Namespace) -> int:
    from llmops.runtime.interactions.sealed import export_parquet

    rows = _rows(root, args)
    if args.format == "parquet":
        if not args.output:
            raise UsageError("Parquet cannot go to the terminal", "Name a file with --output.")
        export_parquet(rows, args.output)
    elif args.output:
        with args.output.open("w", encoding="utf-8", newline="") as stream:
            _write(rows, args.format, stream)
    else:
        _write(rows, args.format, sys.stdout)
    print(f"{len(rows)} interactions", file=sys.stderr)
    return 0


def _cases(root: Path, args: argparse.Namespace) -> int:
    """Each question once, newest first: as cases to measure a release on, or to compare two. Nobody has said what is right."""
    import orjson

    asked = {row.question: row for row in _rows(root, args) if row.question and row.answer and not (row.blocked or row.error_type)}
    newest = sorted(asked.values(), key=lambda row: row.time, reverse=True)[: args.number]
    lines = [orjson.dumps(_case(row)).decode() for row in newest]
    text = "".join(f"{line}\n" for line in lines)
    if args.output:
        write_whole(args.output, text)
    else:
        sys.stdout.write(text)
    print(f"{len(newest)} cases", file=sys.stderr)
    return 0


def _case(row: Interaction) -> dict[str, Any]:
    """What one user asked is one cluster. The documents are those that the answer was made from, which a reviewer may correct."""
    import orjson

    sources = list(dict.fromkeys(source["path"] for source in orjson.loads(row.sources_json)))
    reference = {"sources": sources} if sources else {"answer": row.answer}
    return {"id": row.id, "question": row.question, **reference, "cluster": row.user or row.id, "release": row.release}


def _seal(root: Path, args: argparse.Namespace) -> int:
    from llmops.runtime.interactions.sealed import seal

    print(f"{seal(root, datetime.now(UTC) - timedelta(hours=1))} interactions sealed")
    return 0


def _forget(root: Path, args: argparse.Namespace) -> int:
    from llmops.runtime.assistant.records import digest_of
    from llmops.runtime.interactions import forget_user
    from llmops.runtime.interactions.history import forget_before

    if bool(args.user) == bool(args.before):
        raise UsageError("log forget needs either --user or --before", "llmops log forget --user ada")
    if args.before and not args.app:
        raise UsageError("--before needs --app", "Say whose old interactions are meant.")
    gone = forget_user(root, digest_of(args.user)) if args.user else forget_before(root, args.app, _day(args.before))
    print(f"{gone} interactions deleted")
    return 0


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"{text!r} is no date", "Write it as 2026-11-01.") from error


def _write(rows: Sequence[Interaction], form: str, stream: Any) -> None:
    import orjson

    if form == "jsonl":
        stream.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode() for row in rows)
        return
    from llmops.runtime.interactions.sealed import COLUMNS

    writer = csv.DictWriter(stream, list(COLUMNS))
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)


def _brief(row: Interaction) -> str:
    """Two lines: what was asked, what came of it."""
    came = f"! {row.error_type}: {row.error}" if row.error_type else row.answer or f"({row.finish})"
    marks = [name for name, is_set in (("blocked", row.blocked), ("flagged", row.flagged), ("refused", row.refused)) if is_set]
    facts = [row.prompt.removeprefix("Prompt/"), row.label, f"{row.latency_ms / 1000:.1f} s", *marks]
    head = f"{row.time[:19]}  {row.id[:8]}  {row.application}  {row.release[7:19]}  {'  '.join(filter(None, facts))}"
    return f"{head}\n  {_one_line(row.question)}\n  → {_one_line(came)}"


def _one_line(text: str, most: int = 160) -> str:
    plain = _plain(" ".join(text.split()))
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _plain(text: str) -> str:
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def _full(row: Interaction, places: Sequence[str]) -> str:
    import orjson

    sources = [f"  {_plain(s['path'])}  {s['score']:.2f}  {_one_line(s['content'], 100)}" for s in orjson.loads(row.sources_json)]
    hits = [(v.get("stage", ""), hit) for v in orjson.loads(row.verdicts_json) for hit in v["hits"]]
    rules = [
        f"  {stage}: {h['rule']} ({h['engine']}, {h['action']}, {h['mode']}): {h['reason']}  {h.get('source', '')}" for stage, h in hits
    ]
    parts = [
        _brief(row),
        f"\nrelease   {row.release}\nmodel     {row.model}\ntokens    {row.input_tokens} in, {row.output_tokens} out",
        f"\nanswer\n  {_plain(row.answer)}",
        "\npassages" if sources else "\nno passages",
        *sources,
        "\nrules that found something" if rules else "\nno rule found anything",
        *rules,
        "\nmade by" if places else "",
        *places,
    ]
    return "\n".join(part for part in parts if part)


def _rule(hit: dict[str, Any]) -> str:
    return f"{hit['rule']} ({hit['engine']}, {hit['action']}, {hit['mode']}): {hit['reason']}  {hit.get('source', '')}"


def _lines_of_yaml(root: Path, row: Interaction) -> Iterator[str]:
    """Where the resources of the release stand: in the bundle, if that is still the release; else how to get there."""
    from llmops.runtime.bundle import Bundle

    folder = root / "build" / row.environment
    if not (folder / "manifest.json").is_file():
        yield f"  {row.release[:19]} is not in build/{row.environment}: llmops compile"
        return
    bundle = Bundle.open(folder)
    entry = bundle.applications.get(row.application)
    if entry is None or entry.release != row.release:
        yield f"  another release than build/{row.environment} has: llmops rollback --to {row.release[:19]} finds its commit"
        return
    for id_ in sorted(bundle.reach(f"Application/{row.application}")):
        source = bundle.manifest["resources"][id_]["source"]
        yield f"  {source['file']}:{source['line']}  {id_}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else _one_line(str(value), CELL)


ACTIONS: Mapping[str, Callable[[Path, argparse.Namespace], int]] = {
    "tail": _tail,
    "show": _show,
    "query": _query,
    "export": _export,
    "cases": _cases,
    "seal": _seal,
    "forget": _forget,
}
