"""The text of `llmops.lock`: what is read, what is refused and where, what is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.diagnostics import Diagnostic, Location
from llmops.load.source import Source
from llmops.lock.entries import Calibration, Entry, Evidence, Lock, Published, Snapshot, lock_of
from llmops.lock.lines import FORMS, NAMED, RESULTS, encode, in_order, line_of, read_line
from llmops.lock.text import HEAD, parse_lock, render_lock
from tests.unit.lock_samples import digest, lock_text

A, B = digest("a"), digest("b")
EVIDENCE = f"evidence {A} prod Evaluation/answers judge=Model/judge@sha256:12ab n=60 result=pass date=2026-11-24"
PUBLISHED = f"published Prompt/answer@1.0.0 {A}"
NO_VERSION = "Expected an id with a version, such as Prompt/answer@1.0.0"
NOT_CANONICAL = "The field is not written as `llmops lock` writes it"
NO_DIGEST = "The digest is not `sha256:` and 64 hexadecimal digits"
NO_EVALUATION = "Expected the id of an evaluation, such as Evaluation/answers"
NO_PUBLISHED = "The line is no entry of the kind 'published'"
SNAPSHOT = f"snapshot RetrievalSource/handbook docs/a.md {B}"


def parse(text: str) -> tuple[Lock, list[Diagnostic]]:
    return parse_lock(Source("llmops.lock", text))


def refused(text: str) -> Diagnostic:
    """The one finding of a text."""
    _, (found,) = parse(text)
    assert found.severity == "error" and found.hint
    return found


def marked(text: str, found: Diagnostic) -> str:
    """What the carets stand under."""
    place = found.location
    return text.split("\n")[place.line - 1][place.column - 1 :][: place.width]


def test_each_kind_of_entry_is_read() -> None:
    lock, found = parse(lock_text(EVIDENCE, PUBLISHED, SNAPSHOT))
    assert found == []
    assert lock.published == {"Prompt/answer@1.0.0": A}
    assert lock.snapshots == {("RetrievalSource/handbook", "docs/a.md"): B}
    (evidence,) = lock.evidence
    assert (evidence.release, evidence.environment, evidence.evaluation) == (A, "prod", "Evaluation/answers")
    assert [evidence[name] for name in NAMED] == ["Model/judge@sha256:12ab", "60", "pass", "2026-11-24"]


CALIBRATION = "calibration Model/judge@12ab Evaluation/answers kappa=0.52 low=-0.1 high=1 n=80 date=2026-11-24"


def test_a_calibration_is_read() -> None:
    lock, found = parse(lock_text(CALIBRATION))
    assert found == []
    assert lock.calibrations == (Calibration("Model/judge@12ab", "Evaluation/answers", 0.52, -0.1, 1.0, 80, "2026-11-24"),)
    assert line_of(lock.calibrations[0]) == CALIBRATION


@pytest.mark.parametrize(
    ("old", "new", "under"),
    [
        ("kappa=0.52", "kappa=0.520", "kappa=0.520"),
        ("kappa=0.52", "kappa=1.2", "kappa=1.2"),
        ("kappa=0.52", "kappa=.5", "kappa=.5"),
        ("low=-0.1", "low=-0", "low=-0"),
        ("low=-0.1", "low=0.6", "kappa=0.52"),
        ("high=1", "high=nan", "high=nan"),
        ("n=80", "n=0", "n=0"),
        ("2026-11-24", "2026-11-31", "date=2026-11-31"),
        ("Model/judge@12ab", "Model/judge", "Model/judge"),
        ("Evaluation/answers", "Dataset/answers", "Dataset/answers"),
    ],
)
def test_a_calibration_has_one_way_to_be_written(old: str, new: str, under: str) -> None:
    text = lock_text(CALIBRATION.replace(old, new))
    found = refused(text)
    assert found.code == "LLM1001"
    assert marked(text, found) == under


@pytest.mark.parametrize("change", [(" n=80", ""), ("low=", "lower="), ("low=-0.1 high=1", "high=1 low=-0.1")])
def test_a_calibration_with_other_fields_is_none(change: tuple[str, str]) -> None:
    assert FORMS["calibration"] in refused(lock_text(CALIBRATION.replace(*change))).hint


def test_evidence_says_pass_unproven_or_fail() -> None:
    text = lock_text(EVIDENCE.replace("result=pass", "result=passed"))
    found = refused(text)
    assert marked(text, found) == "result=passed"
    assert found.message == "The result is one of pass, unproven, fail"


def test_an_entry_knows_its_line() -> None:
    lock, _ = parse(f"lock 1\n# a comment\n\n{PUBLISHED}\n{SNAPSHOT}\n")
    assert [entry.place for entry in lock.entries] == [
        Location("llmops.lock", 4, 1, len(PUBLISHED)),
        Location("llmops.lock", 5, 1, len(SNAPSHOT)),
    ]


def test_what_is_written() -> None:
    lock = lock_of([Snapshot("RetrievalSource/handbook", "docs/a.md", B), Published("Prompt/answer@1.0.0", A)])
    assert render_lock(lock) == f"{HEAD}\n{PUBLISHED}\n\n{SNAPSHOT}\n"
    assert HEAD.startswith("lock 1\n#")


def test_an_empty_lock_is_its_head() -> None:
    assert render_lock(Lock()) == HEAD
    assert parse(HEAD) == (Lock(), [])


def test_lines_are_sorted_as_bytes() -> None:
    """As `LC_ALL=C sort` does it: capitals first, 1.10.0 before 1.2.0, é after z."""
    paths = ["docs/z.md", "docs/é.md", "docs/B.md", "docs/a.md"]
    entries = [Snapshot("RetrievalSource/handbook", path, A) for path in paths]
    versions = [Published(f"Prompt/answer@{version}", A) for version in ("1.2.0", "1.10.0")]
    lines = [line for line in render_lock(lock_of([*entries, *versions])).splitlines() if line.startswith(("snapshot", "published"))]
    assert [line.split()[-2] for line in lines] == [
        "Prompt/answer@1.10.0",
        "Prompt/answer@1.2.0",
        "docs/B.md",
        "docs/a.md",
        "docs/z.md",
        "docs/é.md",
    ]
    assert lines == sorted(lines, key=lambda line: line.encode())


@pytest.mark.parametrize(
    "text",
    [
        lock_text(SNAPSHOT, PUBLISHED, EVIDENCE),
        lock_text(PUBLISHED, PUBLISHED, SNAPSHOT, EVIDENCE, PUBLISHED),
        lock_text(PUBLISHED, "", "", SNAPSHOT, "lock 1", EVIDENCE),
        f"{PUBLISHED}\n{SNAPSHOT}\nlock 1\n{EVIDENCE}",
        lock_text(PUBLISHED, SNAPSHOT, EVIDENCE).replace("\n", "\r\n"),
    ],
    ids=["order", "repetitions", "empty lines", "sorted by hand", "line ends"],
)
def test_what_a_merge_or_a_tool_leaves_is_tolerated(text: str) -> None:
    assert parse(text) == parse(lock_text(EVIDENCE, PUBLISHED, SNAPSHOT))


def test_a_version_twice_with_different_contents() -> None:
    text = lock_text(PUBLISHED, SNAPSHOT, PUBLISHED.replace(A, B))
    found = refused(text)
    assert (found.code, found.message) == ("LLM1005", "Prompt/answer@1.0.0 is published with two contents")
    assert [(place.line, place.label) for place in found.locations] == [(4, ""), (2, "first published here")]
    assert "Keep the entry that was merged first" in found.hint


def test_a_file_with_two_digests_is_what_a_merge_leaves() -> None:
    lock, found = parse(lock_text(SNAPSHOT, SNAPSHOT.replace(B, A)))
    assert found == [] and len(lock.entries) == 2
    assert lock.snapshots["RetrievalSource/handbook", "docs/a.md"] in (A, B)


@pytest.mark.parametrize(
    ("line", "code", "wrong", "message"),
    [
        ("published Prompt/answer@1.0.0", "LLM1001", "published Prompt/answer@1.0.0", NO_PUBLISHED),
        (f"{PUBLISHED} more", "LLM1001", f"{PUBLISHED} more", NO_PUBLISHED),
        (f"published Prompt/answer {A}", "LLM1001", "Prompt/answer", NO_VERSION),
        (f"published Prompt/answer@1.0 {A}", "LLM1001", "Prompt/answer@1.0", NO_VERSION),
        (f"published Prompt/answer@01.0.0 {A}", "LLM1001", "Prompt/answer@01.0.0", NO_VERSION),
        ("snapshot docs/a.md", "LLM1001", "snapshot docs/a.md", "The line is no entry of the kind 'snapshot'"),
        (f"snapshot handbook docs/a.md {A}", "LLM1001", "handbook", "Expected the id of a resource, such as RetrievalSource/handbook"),
        (f"snapshot RetrievalSource/handbook  {A}", "LLM1001", " ", NOT_CANONICAL),
        (f"snapshot RetrievalSource/h docs/%61.md {A}", "LLM1001", "docs/%61.md", NOT_CANONICAL),
        (f"snapshot RetrievalSource/h docs/%ff.md {A}", "LLM1001", "docs/%ff.md", NOT_CANONICAL),
        (f"snapshot RetrievalSource/h docs/%FF.md {A}", "LLM1001", "docs/%FF.md", NOT_CANONICAL),
        (f"snapshot RetrievalSource/h docs/\u202e.md {A}", "LLM1001", "docs/\u202e.md", NOT_CANONICAL),
        (f"publish Prompt/answer@1.0.0 {A}", "LLM1003", "publish", "llmops.lock has no entries of the kind 'publish'"),
        (f" {PUBLISHED}", "LLM1003", " ", "llmops.lock has no entries of the kind ''"),
        (PUBLISHED[:-1], "LLM1004", A[:-1], NO_DIGEST),
        (PUBLISHED.upper().replace("PUBLISHED PROMPT/ANSWER", "published Prompt/answer"), "LLM1004", A.upper(), NO_DIGEST),
        (SNAPSHOT.replace("sha256:", "md5:"), "LLM1004", B.replace("sha256:", "md5:"), NO_DIGEST),
        (EVIDENCE.replace(A, "sha256:12"), "LLM1004", "sha256:12", NO_DIGEST),
        (EVIDENCE.replace(" prod ", " PROD "), "LLM1001", "PROD", "Expected the name of an environment"),
        (EVIDENCE.replace("Evaluation/", "Monitor/"), "LLM1001", "Monitor/answers", NO_EVALUATION),
        (EVIDENCE.replace("n=60", "n=0"), "LLM1001", "n=0", "The number of cases is a whole number above 0"),
        (EVIDENCE.replace("n=60", "n=٣"), "LLM1001", "n=٣", "The number of cases is a whole number above 0"),
        (EVIDENCE.replace("-24", "-31"), "LLM1001", "date=2026-11-31", "The date is a day, such as 2026-11-24"),
        (EVIDENCE.replace("2026-11-24", "20261124"), "LLM1001", "date=20261124", "The date is a day, such as 2026-11-24"),
        (
            EVIDENCE.replace("Model/judge@sha256:12ab", "judge"),
            "LLM1001",
            "judge=judge",
            "The judge is a model with its digest, Model/NAME@DIGEST, or `-` where there is none",
        ),
    ],
)  # fmt: skip
def test_a_line_with_a_mistake(line: str, code: str, wrong: str, message: str) -> None:
    text = lock_text(PUBLISHED.replace("answer", "other"), line)
    found = refused(text)
    assert (found.code, found.message, found.location.file, found.location.line) == (code, message, "llmops.lock", 3)
    assert marked(text, found) == wrong
    assert "Take the line back from git" in found.hint


@pytest.mark.parametrize(
    "change", [(" n=60", ""), (" n=60", " n"), ("n=60", "n=60 n=60"), ("result=", "Result="), ("result=pass", "result=")]
)
def test_evidence_has_its_named_fields_once(change: tuple[str, str]) -> None:
    found = refused(lock_text(EVIDENCE.replace(*change)))
    assert found.code == "LLM1001" and FORMS["evidence"] in found.hint


def test_named_fields_stand_in_their_order() -> None:
    found = refused(lock_text(EVIDENCE.replace("n=60 result=pass", "result=pass n=60")))
    assert found.message == "The fields are not in their order: judge, n, result, date, and others sorted"


def test_evidence_keeps_fields_that_are_not_known_yet() -> None:
    line = f"{EVIDENCE.replace('Model/judge@sha256:12ab', '-')} agreement=0.81 seed=7%201"
    lock, found = parse(lock_text(line))
    assert found == []
    assert lock.evidence[0]["agreement"] == "0.81" and lock.evidence[0]["seed"] == "7 1"
    assert render_lock(lock).endswith(f"\n{line}\n")


def test_the_other_lines_are_read() -> None:
    lock, found = parse(lock_text("nonsense", PUBLISHED, "snapshot", SNAPSHOT))
    assert [(d.code, d.location.line) for d in found] == [("LLM1003", 2), ("LLM1001", 4)]
    assert len(lock.entries) == 2


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", f"{PUBLISHED}\n"])
def test_a_text_without_its_first_line_is_refused(text: str) -> None:
    found = refused(text)
    assert (found.code, found.message) == ("LLM1002", "llmops.lock lacks the line 'lock 1'")
    assert parse(text)[0] == Lock()


def test_another_version_is_not_read() -> None:
    text = lock_text(PUBLISHED).replace("lock 1", "lock 2")
    found = refused(text)
    assert (found.code, marked(text, found)) == ("LLM1002", "lock 2")
    assert found.message == "llmops.lock is written in another form than the one this llmops knows, 'lock 1'"
    assert parse(text)[0] == Lock()


def test_a_source_without_text_was_told_of_already() -> None:
    assert parse_lock(Source("llmops.lock", None)) == (Lock(), [])


def test_a_conflict_is_told_of_and_both_sides_are_read() -> None:
    text = lock_text("<<<<<<< HEAD", PUBLISHED, "=======", SNAPSHOT, ">>>>>>> topic", EVIDENCE)
    found = refused(text)
    assert (found.code, found.message, marked(text, found)) == ("LLM1006", "A merge has left a conflict here", "<<<<<<< HEAD")
    assert found.hint.startswith("Run `llmops lock`: it takes both sides")
    assert parse(text)[0] == parse(lock_text(PUBLISHED, SNAPSHOT, EVIDENCE))[0]


def test_the_common_ancestor_of_a_conflict_is_not_read() -> None:
    old = PUBLISHED.replace("answer", "old")
    lock, _ = parse(lock_text("<<<<<<< HEAD", PUBLISHED, "||||||| 12ab", old, "=======", SNAPSHOT, ">>>>>>> topic"))
    assert lock == parse(lock_text(PUBLISHED, SNAPSHOT))[0]


@pytest.mark.parametrize("marker", ["=======", ">>>>>>> topic", "||||||| 12ab"])
def test_a_marker_that_was_left_behind(marker: str) -> None:
    text = lock_text(PUBLISHED, marker)
    found = refused(text)
    assert (found.code, marked(text, found)) == ("LLM1006", marker)


def test_each_conflict_is_told_of_once() -> None:
    conflict = ("<<<<<<< HEAD", PUBLISHED, "=======", SNAPSHOT, ">>>>>>> topic")
    _, found = parse(lock_text(*conflict, *conflict))
    assert [(d.code, d.location.line) for d in found] == [("LLM1006", 2), ("LLM1006", 7)]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("docs/a.md", "docs/a.md"),
        ("docs/a b.md", "docs/a%20b.md"),
        ("100%.md", "100%25.md"),
        ("a\tb\n.md", "a%09b%0A.md"),
        ("straße.md", "straße.md"),
        ("a\u202eb", "a%E2%80%AEb"),
        ("a\xa0b\u3000", "a%C2%A0b%E3%80%80"),
        ("\udcff.md", "%ED%B3%BF.md"),
    ],
)
def test_fields_are_visible_and_have_no_space(text: str, written: str) -> None:
    assert encode(text) == written
    entry = Snapshot("Dataset/rows", text, A)
    assert read_line(line_of(entry), Location("llmops.lock")) == entry


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:".__add__)
VERSIONS = st.tuples(*[st.integers(0, 20)] * 3).map(lambda parts: ".".join(map(str, parts)))
TEXTS = st.text(min_size=1, max_size=12)
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(Published, st.builds("Prompt/{}@{}".format, NAMES, VERSIONS), DIGESTS),
    st.builds(Snapshot, NAMES.map("RetrievalSource/{}".format), st.one_of(TEXTS, st.text(st.characters(), min_size=1)), DIGESTS),
    st.builds(
        Evidence,
        DIGESTS,
        NAMES,
        NAMES.map("Evaluation/{}".format),
        st.fixed_dictionaries(
            {
                "judge": st.one_of(st.just("-"), st.builds("Model/{}@{}".format, NAMES, DIGESTS)),
                "n": st.integers(1).map(str),
                "result": st.sampled_from(RESULTS),
                "date": st.dates().map(str),
            },
            optional={"agreement": TEXTS, "kappa": TEXTS},
        ).map(in_order),
    ),
    st.builds(
        lambda judge, digits, evaluation, figures, rest: Calibration(f"Model/{judge}@{digits}", evaluation, *figures, *rest),
        NAMES,
        st.text("0123456789abcdef", min_size=1, max_size=16),
        NAMES.map("Evaluation/{}".format),
        st.lists(st.integers(-1000, 1000).map(lambda n: n / 1000), min_size=3, max_size=3).map(lambda f: [sorted(f)[i] for i in (1, 0, 2)]),
        st.tuples(st.integers(1), st.dates().map(str)),
    ),
)


def unique_versions(lock: Lock) -> Lock:
    return lock_of([e for e in lock.entries if not isinstance(e, Published)] + [entries[0] for entries in lock.versions().values()])


@given(st.lists(ENTRIES, max_size=12).map(lock_of).map(unique_versions))
def test_what_is_written_is_read_again(lock: Lock) -> None:
    text = render_lock(lock)
    assert parse(text) == (lock, [])
    assert render_lock(parse(text)[0]) == text
    assert all(line.isprintable() for line in text.split("\n"))


@given(st.lists(ENTRIES, max_size=8).map(lock_of), st.randoms())
def test_order_and_repetitions_mean_nothing(lock: Lock, random: object) -> None:
    lines = [line_of(entry) for entry in (*lock.entries, *lock.entries)]
    random.shuffle(lines)  # type: ignore[attr-defined]
    assert parse(lock_text(*lines))[0] == lock


WORDS = st.sampled_from(
    ["lock", "1", "published", "snapshot", "evidence", "Prompt/a@1.0.0", A, "n=1", "<<<<<<<", "=======", "%", "%4", "%FF", ""]
)
GARBAGE = st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join))


@given(st.lists(GARBAGE), st.booleans())
def test_garbage_is_findings_and_never_an_exception(lines: list[str], headed: bool) -> None:
    text = "\n".join([*(["lock 1"] if headed else []), *lines])
    lock, found = parse(text)
    said = text.split("\n")
    for diagnostic in found:
        place = diagnostic.location
        assert diagnostic.code.startswith("LLM10") and 1 <= place.line <= len(said)
        assert place.column + place.width - 1 <= max(1, len(said[place.line - 1])) + 1
    assert parse_lock(Source("llmops.lock", render_lock(lock)))[0] == lock
