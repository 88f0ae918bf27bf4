"""Rules that JSON Schema cannot say: cron, regular expressions, fields that exclude or need one another.

Part of the stage `validate`; looks at one document only.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from llmops.kinds.fields import annotated, values_at
from llmops.resources import Path
from llmops.validate.explain import Mistake

_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_NAMES = ("minute", "hour", "day", "month", "weekday")
_CRON_PART = re.compile(r"^(?:\*|([0-9]+)(?:-([0-9]+))?)(?:/([0-9]+))?\Z")


def check_formats(data: Mapping[str, Any]) -> list[Mistake]:
    """What is wrong with a document whose schema is right."""
    kind = data["kind"]
    mistakes = [
        m
        for pattern, name in annotated(kind, "x-llmops-format")
        for path, value in values_at(data, pattern)
        for m in FORMATS[name](path, value)
    ]
    rule = KIND_RULES.get(kind)
    return mistakes + list(rule(data["spec"])) if rule else mistakes


def _cron(path: Path, value: str) -> Iterator[Mistake]:
    fields = value.split()
    if len(fields) != 5:
        yield Mistake(
            "LLM0211",
            path,
            f"{value!r} is not a schedule: it has {len(fields)} of 5 fields",
            "Give minute hour day month weekday, as `0 3 * * *`.",
        )
        return
    for text, limits, name in zip(fields, _CRON_RANGES, _CRON_NAMES, strict=True):
        if not all(_cron_part(part, *limits) for part in text.split(",")):
            yield Mistake(
                "LLM0211",
                path,
                f"{text!r} does not fit the field for the {name}",
                f"Use *, a number from {limits[0]} to {limits[1]}, a range or a step.",
            )


def _cron_part(part: str, low: int, high: int) -> bool:
    match = _CRON_PART.match(part)
    if not match:
        return False
    numbers = [int(n) for n in match.groups()[:2] if n is not None]
    step = match.group(3)
    return all(low <= n <= high for n in numbers) and numbers == sorted(numbers) and (step is None or int(step) > 0)


def _regex(path: Path, value: list[str] | str) -> Iterator[Mistake]:
    """One pattern, or a list of them."""
    if isinstance(value, str):
        yield from _pattern(path, value)
        return
    for index, pattern in enumerate(value):
        yield from _pattern((*path, index), pattern)


def _pattern(path: Path, pattern: str) -> Iterator[Mistake]:
    if "\b" in pattern:
        hint = "Use single quotes, in which YAML leaves backslashes alone."
        yield Mistake("LLM0212", path, "The pattern holds a backspace, which \\b means in double quotes", hint)
        return
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        yield Mistake("LLM0212", path, f"Not a regular expression: {error}", "Escape special characters with a backslash.")


def _path(path: Path, value: str) -> Iterator[Mistake]:
    if value.startswith(("/", "~")) or re.match(r"^[A-Za-z]:|^\w+://", value) or "\\" in value or "\0" in value:
        yield Mistake("LLM0213", path, f"{value!r} is not a relative path", "Write it relative to this file, with slashes.")


def _date(path: Path, value: str) -> Iterator[Mistake]:
    try:
        exact = date.fromisoformat(value).isoformat() == value
    except ValueError:
        exact = False
    if not exact:
        yield Mistake("LLM0218", path, f"{value!r} is not a day of the calendar", "Write year-month-day, as 2027-01-31.")


def _json_schema(path: Path, schema: Any) -> Iterator[Mistake]:
    import jsonschema_rs

    try:
        jsonschema_rs.Draft202012Validator(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        yield Mistake("LLM0214", path, f"Not a JSON Schema: {str(error).splitlines()[0]}", "Write it as in the draft 2020-12.")


FORMATS: dict[str, Callable[[Path, Any], Iterator[Mistake]]] = {
    "cron": _cron,
    "date": _date,
    "json-schema": _json_schema,
    "path": _path,
    "regex": _regex,
}


def _model(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    provider = spec["provider"]
    if provider in ("llama.cpp", "onnx") and "weights" not in spec:
        yield Mistake(
            "LLM0214", ("spec", "provider"), f"Provider {provider} needs `weights`", "Name the package that carries them and its sha256."
        )
    if provider == "openai" and "endpoint" not in spec:
        yield Mistake("LLM0214", ("spec", "provider"), "Provider openai needs `endpoint`", "Add `endpoint: {url: …, api_key: {env: …}}`.")
    if provider == "openai" and ("weights" in spec or "chat_template" in spec):
        field = "weights" if "weights" in spec else "chat_template"
        yield Mistake(
            "LLM0214", ("spec", field), f"An endpoint brings its own {field}", "Remove the field, or use provider llama.cpp.", at_key=True
        )
    yield from _local_model(spec)


LOCAL_EMBEDDERS = ("sentence-transformers/all-MiniLM-L6-v2",)
"""What `provider: onnx` has a tokenizer for."""

_LOOPBACK = re.compile(r"^http://(127\.0\.0\.1|localhost):\d+(/|$)")


def _local_model(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    """What would otherwise fail only when the model is started."""
    if spec["provider"] == "llama.cpp" and not _LOOPBACK.match(spec["endpoint"]["url"]):
        message = "llama.cpp is started on this machine, at a port of the loopback address"
        yield Mistake("LLM0217", ("spec", "endpoint", "url"), message, "Write http://127.0.0.1:18181/v1, or use provider openai.")
    if spec["provider"] == "onnx" and spec["model"] not in LOCAL_EMBEDDERS:
        message = f"Provider onnx does not run {spec['model']!r}"
        yield Mistake("LLM0217", ("spec", "model"), message, f"Use {LOCAL_EMBEDDERS[0]}, or an endpoint with provider openai.")


def _prompt(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    for index, message in enumerate(spec["messages"]):
        given = [name for name in ("content", "content_file") if name in message]
        if len(given) != 1:
            what = "neither `content` nor `content_file`" if not given else "both `content` and `content_file`"
            yield Mistake("LLM0214", ("spec", "messages", index), f"The message has {what}", "Give exactly one.")


def _retrieval_source(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    chunking = spec["chunking"]
    if chunking.get("overlap", 0) >= chunking["length"]:
        message = f"The overlap ({chunking['overlap']}) is not smaller than the chunk ({chunking['length']})"
        yield Mistake("LLM0215", ("spec", "chunking", "overlap"), message, f"Use about a sixth of the length: {chunking['length'] // 6}.")


def _safety_policy(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from _repeated([rule["id"] for rule in spec["rules"]], ("spec", "rules"), "id")
    for index, rule in enumerate(spec["rules"]):
        detector = rule["detector"]
        if detector["kind"] == "length" and detector.get("min", 0) > detector["max"]:
            yield Mistake("LLM0215", ("spec", "rules", index, "detector", "min"), "min is larger than max", "Swap them.")
        if detector["kind"] == "topic" and not detector.get("denied") and not detector.get("allowed"):
            yield Mistake(
                "LLM0214", ("spec", "rules", index, "detector"), "The topic rule names no topic", "Add `denied`, `allowed` or both."
            )


def _evaluation(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from _repeated([metric["name"] for metric in spec["metrics"]], ("spec", "metrics"), "name")
    judged = [index for index, metric in enumerate(spec["metrics"]) if "rubric" in metric]
    if judged and "judge" not in spec:
        name = spec["metrics"][judged[0]]["name"]
        yield Mistake("LLM0214", ("spec", "metrics", judged[0], "name"), f"{name} has no judge", "Add `judge`: the name of a chat Model.")
    if "judge" in spec and not judged:
        yield Mistake("LLM0214", ("spec", "judge"), "The judge has nothing to judge", "Add a metric judge_rubric, or remove it.")
    for index, metric in enumerate(spec["metrics"]):
        if metric["name"] == "answer_excludes" and not metric.get("texts"):
            yield Mistake("LLM0214", ("spec", "metrics", index), "answer_excludes looks for nothing", "Add `texts`.")


def _monitor(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from _repeated([signal["name"] for signal in spec["signals"]], ("spec", "signals"), "name")
    for index, signal in enumerate(spec["signals"]):
        if "min" not in signal and "max" not in signal:
            yield Mistake("LLM0214", ("spec", "signals", index), f"{signal['name']} has no limit", "Add `max` or `min`.")


def _application(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    given = [name for name in ("prompt", "variants") if name in spec]
    if len(given) != 1:
        what = "neither `prompt` nor `variants`" if not given else "both `prompt` and `variants`"
        yield Mistake("LLM0214", ("spec", *given[1:]), f"The application has {what}", "Give exactly one.", at_key=True)
    variants = spec.get("variants", [])
    total = sum(variant["weight"] for variant in variants)
    if variants and total != 100:
        yield Mistake("LLM0215", ("spec", "variants"), f"The weights add up to {total}", "They must add up to 100.", at_key=True)
    yield from _repeated([variant.get("label") or f"#{index}" for index, variant in enumerate(variants)], ("spec", "variants"), "label")
    for index, variant in enumerate(variants):
        if "@" not in variant["prompt"]:
            yield Mistake(
                "LLM0214", ("spec", "variants", index, "prompt"), "A variant names no version", f"Pin one: {variant['prompt']}@1.0.0."
            )


def _deployment(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    replicas = spec.get("replicas", {})
    if replicas.get("min", 1) > replicas.get("max", 1):
        yield Mistake("LLM0215", ("spec", "replicas", "min"), "min is larger than max", "Raise max, or lower min.")


def _repeated(names: list[str], path: Path, field: str) -> Iterator[Mistake]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Mistake("LLM0216", (*path, index, field), f"{field} {name!r} is given twice", "Rename or remove one.")


KIND_RULES: dict[str, Callable[[Mapping[str, Any]], Iterator[Mistake]]] = {
    "Model": _model,
    "Prompt": _prompt,
    "RetrievalSource": _retrieval_source,
    "SafetyPolicy": _safety_policy,
    "Evaluation": _evaluation,
    "Monitor": _monitor,
    "Application": _application,
    "Deployment": _deployment,
}
