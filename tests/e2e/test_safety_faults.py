"""Nothing fails open: one table of faults, each put to the real engine that it concerns.

A fault before the first text refuses to load, with the file or the rule by name. A fault at a text stops the text, or is recorded
where the rule says `on_error: log`; and of a text whose redaction failed nothing is kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from llmops.errors import LlmopsError, RuntimeUnavailable
from llmops.runtime.bundle import Bundle
from llmops.runtime.rails import Rails, load_rails
from llmops.runtime.rails.detectors import DETECTORS
from tests.policies_graph import policy_of, rule, write_bundle
from tests.rails_samples import SAMPLES

GUARDRAILS, NEMO = ENGINES = ("guardrails-ai", "nemoguardrails")
ROOT = Path(__file__).parents[2]
PATTERN = {"kind": "regex", "patterns": ["bad+"]}
RULES = [
    rule("pattern", PATTERN, stage=["input", "retrieval", "output"], message="No."),
    rule("mail", {"kind": "pii", "entities": ["EMAIL_ADDRESS"]}, action="redact", message="Redacted."),
    rule("words", {"kind": "keywords", "words": ["evil"]}, stage=["input"], action="flag"),
]
Change = Callable[[Any], Any]


def guard(change: Change) -> Change:
    return lambda content: change(content["validators"][0])


def nemo(change: Change) -> Change:
    return lambda content: change(content["rails"])


@dataclass(frozen=True)
class Fault:
    """A change of a rendered file, and what the refusal must say."""

    engine: str
    file: str
    change: Change
    message: str


RENDERED: Mapping[str, Fault] = {
    "unknown validator": Fault(GUARDRAILS, "output.json", guard(lambda v: v.update(id="llmops/regx")), "no validator 'llmops/regx'"),
    "validator of another name space": Fault(GUARDRAILS, "output.json", guard(lambda v: v.update(id="hub://x/regex")), "no validator"),
    "validator without an id": Fault(GUARDRAILS, "output.json", guard(lambda v: v.pop("id")), "."),
    "on: output": Fault(GUARDRAILS, "output.json", guard(lambda v: v.update(on="output")), "is not on"),
    "on is missing": Fault(GUARDRAILS, "output.json", guard(lambda v: v.pop("on")), "is not on"),
    "onFail: reask": Fault(GUARDRAILS, "output.json", guard(lambda v: v.update(onFail="reask")), "onFail"),
    "onFail misspelt": Fault(GUARDRAILS, "output.json", guard(lambda v: v.update(onfail=v.pop("onFail"))), "onFail"),
    "unknown setting": Fault(GUARDRAILS, "output.json", guard(lambda v: v["kwargs"].update(paterns=v["kwargs"].pop("patterns"))), "guard"),
    "guard emptied": Fault(GUARDRAILS, "output.json", lambda c: c.update(validators=[]), "instead of"),
    "guard's order changed": Fault(GUARDRAILS, "output.json", lambda c: c["validators"].reverse(), "instead of"),
    "stage dropped": Fault(GUARDRAILS, "rules.json", lambda c: c["stages"].pop("output"), "no stage checks mail"),
    "another policy's rules": Fault(GUARDRAILS, "rules.json", lambda c: c.update(policy="q"), "is that of q"),
    "action missing": Fault(GUARDRAILS, "rules.json", lambda c: c["rules"][0].pop("action"), "damaged"),
    "unknown key": Fault(NEMO, "conversation/config.yml", lambda c: c.update(rail={}), "does not know rail|custom_data.rail"),
    "unknown key of a direction": Fault(NEMO, "conversation/config.yml", nemo(lambda r: r["output"].update(flow=[])), "rails.output.flow"),
    "flow misspelt": Fault(
        NEMO, "conversation/config.yml", nemo(lambda r: r["output"]["flows"].__setitem__(0, "regex chek output")), "instead of|cannot read"
    ),
    "flow missing": Fault(NEMO, "conversation/config.yml", nemo(lambda r: r["output"]["flows"].pop()), "instead of"),
    "flow of the other direction": Fault(
        NEMO, "conversation/config.yml", nemo(lambda r: r["output"]["flows"].__setitem__(0, "regex check input")), "instead of|cannot read"
    ),
    "other patterns": Fault(
        NEMO, "conversation/config.yml", nemo(lambda r: r["config"]["regex_detection"]["output"].update(patterns=["good"])), "other output"
    ),
    "patterns of the passages": Fault(
        NEMO, "retrieval/config.yml", nemo(lambda r: r["config"]["regex_detection"]["input"].update(patterns=[])), "other input patterns"
    ),
    "settings of another detector": Fault(
        NEMO, "conversation/config.yml", lambda c: c["custom_data"]["llmops"]["rules"]["mail"]["detector"].update(kind="mail"), "rule mail"
    ),
    "announced for the other engine": Fault(NEMO, "rules.json", lambda c: c.update(engine=GUARDRAILS), "is that of p for guardrails-ai"),
}
FOLDER = {GUARDRAILS: "guardrails", NEMO: "nemoguardrails"}
FILES = {
    GUARDRAILS: ("rules.json", "input.json", "retrieval.json", "output.json"),
    NEMO: ("rules.json", "conversation/config.yml", "retrieval/config.yml"),
}


def rendered(folder: Path, engine: str) -> Path:
    """The folder with the engine's files of a bundle."""
    return write_bundle(policy_of(RULES), folder) / FOLDER[engine] / "p"


def edit(path: Path, change: Change) -> None:
    read, write = (orjson.loads, orjson.dumps) if path.suffix == ".json" else (yaml.safe_load, lambda c: yaml.safe_dump(c).encode())
    content = read(path.read_bytes())
    change(content)
    path.write_bytes(write(content))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_files_load_as_they_were_rendered(engine: str, tmp_path: Path) -> None:
    """So that what refuses below refuses for the fault's sake."""
    rendered(tmp_path, engine)
    rails = load_rails(tmp_path, "p", engine)
    assert [rails.check(stage, "badd").allowed for stage in ("input", "retrieval", "output")] == [False] * 3
    assert rails.check("output", "fine").allowed


@pytest.mark.parametrize("fault", RENDERED)
def test_a_typo_in_a_rendered_file_refuses_to_load(fault: str, tmp_path: Path) -> None:
    one = RENDERED[fault]
    edit(rendered(tmp_path, one.engine) / one.file, one.change)
    with pytest.raises(LlmopsError, match=one.message):
        load_rails(tmp_path, "p", one.engine)


GARBAGE = {"missing": None, "empty": b"", "cut off": 40, "not text": b"\x80\x81\xff", "a list": b"[]", "null": b"null"}


@pytest.mark.parametrize(
    ("engine", "file", "garbage"), [(e, f, g) for e in ENGINES for f in FILES[e] for g in GARBAGE], ids=lambda v: str(v).replace("/", "-")
)
def test_a_file_that_is_gone_or_garbage_refuses_to_load(engine: str, file: str, garbage: str, tmp_path: Path) -> None:
    path = rendered(tmp_path, engine) / file
    content = GARBAGE[garbage]
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:content] if isinstance(content, int) else content)
    with pytest.raises(LlmopsError):
        load_rails(tmp_path, "p", engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_changed_bundle_is_refused_before_its_rules_are_read(engine: str, example: Path) -> None:
    """Whoever opens the bundle as the runtime does meets the manifest first."""
    from llmops.pipeline import compile_workspace
    from llmops.write import write

    folder = example / "build" / "dev"
    write(compile_workspace(example).artifacts, folder)
    Bundle.open(folder)
    path = folder / FOLDER[engine] / "public-assistant" / "rules.json"
    path.write_bytes(path.read_bytes().replace(b'"enforce"', b'"monitor"'))
    with pytest.raises(LlmopsError, match=r"rules\.json differs from its manifest"):
        Bundle.open(folder)


MISSING = {
    GUARDRAILS: ("guardrails", "guardrails-ai is not installed"),
    NEMO: ("nemoguardrails", "NeMo Guardrails is not installed"),
}
PROGRAM = """\
import sys
sys.modules[sys.argv[1]] = None
from pathlib import Path
from llmops.errors import LlmopsError
from llmops.runtime.rails import load_rails
try:
    load_rails(Path(sys.argv[2]), "p", sys.argv[3])
except LlmopsError as error:
    print(type(error).__name__, error, error.hint, sep="|")
else:
    print("loaded")
"""


def without_module(module: str, bundle: Path, engine: str) -> str:
    """What loading the rails says in a process in which `module` cannot be imported."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "compiler")}
    command = [sys.executable, "-c", PROGRAM, module, str(bundle), engine]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return (done.stdout + done.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize("engine", ENGINES)
def test_without_the_engine_nothing_loads_and_the_command_is_named(engine: str, tmp_path: Path) -> None:
    module, message = MISSING[engine]
    write_bundle(policy_of(RULES), tmp_path)
    assert without_module(module, tmp_path, engine) == f'RuntimeUnavailable|{message}|pip install "llmops-compiler[run]"'


@pytest.mark.parametrize(
    ("kind", "module"), [("profanity", "profanity_check"), ("pii", "presidio_analyzer"), ("secrets", "detect_secrets")]
)
@pytest.mark.parametrize("engine", ENGINES)
def test_without_a_detectors_package_nothing_loads(engine: str, kind: str, module: str, tmp_path: Path) -> None:
    write_bundle(policy_of([rule("r", {"kind": kind, **SAMPLES[kind].settings})]), tmp_path)
    said = without_module(module, tmp_path, engine)
    assert said.startswith("RuntimeUnavailable|") and said.endswith('|pip install "llmops-compiler[run]"')


def crash(_: object) -> None:
    raise MemoryError("out of memory")


CONSEQUENCE = {
    ("enforce", "block"): (False, "No."),
    ("enforce", "log"): (True, ""),
    ("monitor", "block"): (True, ""),
    ("monitor", "log"): (True, ""),
}
NOWHERE_ELSE = {"block": "keywords", "refuse": "secrets", "redact": "pii", "flag": "keywords", "log": "web"}
"""Action → a detector that can take it."""


def crashing(folder: Path, engine: str, monkeypatch: pytest.MonkeyPatch, one: Mapping[str, Any]) -> Rails:
    """Rails whose one rule's detector always breaks. NeMo's rail keeps detectors it has built: the settings are new each time."""
    kind = one["detector"]["kind"]
    monkeypatch.setitem(DETECTORS, kind, lambda settings: crash)
    return load_rails(write_bundle(policy_of([one], [engine]), folder), "p", engine)


@pytest.mark.parametrize(("engine", "action", "how"), list(product(ENGINES, NOWHERE_ELSE, CONSEQUENCE)), ids=str)
def test_a_detector_that_crashes(engine: str, action: str, how: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its action, a rule that broke is in the verdict; whether the text goes on is `on_error`'s to say."""
    kind = NOWHERE_ELSE[action]
    mode, on_error = how
    settings = {**SAMPLES[kind].settings, **({"words": [f"{action}{mode}{on_error}"]} if kind == "keywords" else {})}
    settings |= {"threshold": 0.1 + 0.01 * list(CONSEQUENCE).index(how)} if kind == "pii" else {}
    one = rule("r", {"kind": kind, **settings}, action=action, mode=mode, on_error=on_error, message="No.")
    if kind in ("secrets", "web"):
        clear_detectors(engine)
    verdict = crashing(tmp_path, engine, monkeypatch, one).check("output", "a@example.org")
    clear_detectors(engine)
    assert (verdict.allowed, verdict.message) == CONSEQUENCE[how]
    assert [(hit.rule, hit.reason) for hit in verdict.hits] == [("r", "the detector failed: out of memory")]


def clear_detectors(engine: str) -> None:
    if engine == NEMO:
        from llmops.runtime.rails import nemo_rail

        nemo_rail._build.cache_clear()


@pytest.mark.parametrize("engine", ENGINES)
def test_of_a_text_whose_redaction_failed_nothing_is_kept(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where the redaction itself stops the text, nor where another rule does."""
    clear_detectors(engine)
    monkeypatch.setitem(DETECTORS, "pii", lambda settings: crash)
    rules = [
        rule("mail", {"kind": "pii", "entities": ["CRYPTO"]}, action="redact", message="Redacted."),
        rule("stop", PATTERN, message="No."),
    ]
    rails = load_rails(write_bundle(policy_of(rules, [engine]), tmp_path), "p", engine)
    for text, message in (("a@example.org", "Redacted."), ("bad a@example.org", "No.")):
        verdict = rails.check("output", text)
        assert (verdict.allowed, verdict.text, verdict.message) == (False, "", message)
    clear_detectors(engine)


@pytest.mark.parametrize(
    "text", ["", "\x00", "\ud800", "a" * 200_000, "🏳️‍🌈" * 500, "\u202ebad"], ids=["empty", "nul", "surrogate", "long", "emoji", "rtl"]
)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_text_that_no_engine_expects_is_judged_or_stopped(engine: str, text: str, tmp_path: Path) -> None:
    """Behind any of them a bad word is still found."""
    rails = load_rails(write_bundle(policy_of(RULES), tmp_path), "p", engine)
    assert rails.check("output", f"{text} badd").allowed is False
    clean = rails.check("output", text)
    assert clean.allowed == ("bad" not in text) or all("failed" in hit.reason for hit in clean.hits)


def test_an_engine_without_its_policy_is_never_an_empty_one(tmp_path: Path) -> None:
    write_bundle(policy_of(RULES, [GUARDRAILS]), tmp_path)
    with pytest.raises(LlmopsError, match="does not hold safety policy 'p' for nemoguardrails"):
        load_rails(tmp_path, "p", NEMO)
    with pytest.raises(LlmopsError, match="no safety policy 'P'"):
        load_rails(tmp_path, "P", GUARDRAILS)


def test_what_is_missing_is_not_a_users_mistake() -> None:
    assert issubclass(RuntimeUnavailable, LlmopsError)
