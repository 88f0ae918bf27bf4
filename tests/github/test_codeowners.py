"""`llmops codeowners`: whose files end on which line, and that nothing else of CODEOWNERS is touched."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import UsageError
from llmops.owners import handle_of
from llmops.report.codeowners import Line, lines, section, with_section
from tests.conftest import ROOT, Run
from tests.github.repositories import commit, git

HANDLES = """\
  owners:
    team-a: "@acme/a"
    team-b: "@acme/b"
    docs-team: "@acme/docs"
"""
WORKSPACE = "apiVersion: llmops/v1\nkind: Workspace\nmetadata: {name: shop}\nspec:\n  environments: {dev: , prod: }\n"
MODEL = """\
apiVersion: llmops/v1
kind: Model
metadata: {{name: {name}, owner: {owner}}}
spec:
  task: chat
  provider: openai
  model: small
  context_window: 8192
  endpoint: {{url: "https://llm.example.org/v1", api_key: {{env: KEY}}}}
"""


# A second reading of CODEOWNERS, by its documentation: the last line that matches decides.


def matches(pattern: str, path: str) -> bool:
    assert pattern.startswith("/")
    tokens = re.findall(r"\\.|\*\*/|\*|\?|[^\\*?]", pattern[1:], re.DOTALL)
    parts = {"**/": "(?:[^/]+/)*", "*": "[^/]*", "?": "[^/]"}
    expression = "".join(parts.get(token, re.escape(token[-1])) for token in tokens)
    return re.fullmatch(expression + (".*" if pattern.endswith("/") else "(?:/.*)?"), path, re.DOTALL) is not None


def decide(written: list[Line], path: str) -> tuple[str, ...]:
    return next((line.handles for line in reversed(written) if matches(line.pattern, path)), ())


def tree(text: str) -> dict[str, tuple[str, ...]]:
    """`path owner…` a line, with nobody where there is no owner."""
    return {path: tuple(owners) for path, *owners in (line.split() for line in text.strip().splitlines())}


def test_the_second_reading_knows_the_documented_cases() -> None:
    assert matches("/docs/", "docs/a/b.md")
    assert not matches("/docs/", "build/docs/a.md")
    assert matches("/docs/**/*.md", "docs/a.md")
    assert matches("/docs/**/*.md", "docs/x/y/a.md")
    assert not matches("/docs/*.md", "docs/x/a.md")
    assert matches(r"/a\ b\#c.md", "a b#c.md")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("specs/a.yaml @a\nspecs/b.yaml @a", ["/specs/ @a"]),
        ("specs/a.yaml @a\nspecs/b.yaml @b", ["/specs/a.yaml @a", "/specs/b.yaml @b"]),
        ("specs/a.yaml @a\nspecs/b.yaml @a\nspecs/c.yaml @b", ["/specs/ @a", "/specs/c.yaml @b"]),
        ("specs/a.yaml @a @b\nspecs/x/b.yaml @a @b", ["/specs/ @a @b"]),
        ("specs/x/a.yaml @a\nspecs/x/b.yaml @a\nspecs/y/c.yaml @b", ["/specs/x/ @a", "/specs/y/ @b"]),
        ("specs/a.yaml @a\nspecs/b.yaml @a\nspecs/y/c.yaml @b\nspecs/y/d.yaml @a", ["/specs/ @a", "/specs/y/c.yaml @b"]),
        ("specs/a.yaml @a\nspecs/README", ["/specs/a.yaml @a"]),
        ("docs/a.md @a\ndocs/b.md @a\ndocs/logo.png", ["/docs/*.md @a"]),
        ("docs/a.md @a\ndocs/x/b.md @a\ndocs/logo.png", ["/docs/**/*.md @a"]),
        ("docs/a.md @a\ndocs/x/b.md @a\ndocs/x/c.txt @b\ndocs/logo.png", ["/docs/**/*.md @a", "/docs/x/b.md @a", "/docs/x/c.txt @b"]),
        ("docs/a.md @a\ndocs/b.md\ndocs/c.md @a", ["/docs/a.md @a", "/docs/c.md @a"]),
        ("a.yaml @a\nb.yaml @a", ["/a.yaml @a", "/b.yaml @a"]),
        ("README\nMakefile", []),
    ],
)
def test_lines(files: str, expected: list[str]) -> None:
    assert [str(line) for line in lines(tree(files), "")] == expected


def test_a_workspace_in_a_folder_is_anchored_there() -> None:
    assert [str(line) for line in lines(tree("specs/a.yaml @a"), "teams/help desk")] == [r"/teams/help\ desk/specs/ @a"]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("a b.md", r"/a\ b.md"),
        ("a#b.md", r"/a\#b.md"),
        ("a*b?.md", r"/a\*b\?.md"),
        ("a\\b.md", r"/a\\b.md"),
        ("a[1].md", "/a?1?.md"),
        ("a\nb.md", "/a?b.md"),
        ("!a.md", "/!a.md"),
        ("ä.md", "/ä.md"),
        ("a\udcffb.md", "/a?b.md"),
    ],
)
def test_names_are_escaped(name: str, pattern: str) -> None:
    (line,) = lines({name: ("@a",), "other": ()}, "")
    assert line.pattern == pattern
    assert matches(line.pattern, name)


NAMES = st.sampled_from(["a", "b.md", "c.md", "d.txt", "e f.md", "g#.txt"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
OWNERS = st.sampled_from([(), ("@a",), ("@b",), ("@a", "@b"), ("@a",), ("@a",)])


@given(st.dictionaries(PATHS, OWNERS, min_size=1, max_size=14))
def test_every_file_gets_its_owners_and_nobody_else_gets_any(files: Mapping[str, tuple[str, ...]]) -> None:
    """A path cannot be a file and a folder at once."""
    files = {path: owners for path, owners in files.items() if not any(other.startswith(path + "/") for other in files)}
    written = lines(files, "")
    assert {path: decide(written, path) for path in files} == files
    assert len(written) <= sum(bool(owners) for owners in files.values())


@pytest.mark.parametrize(
    ("owner", "handle"), [("team-a", "@acme/a"), ("ada@example.org", "ada@example.org"), ("eve@example.org", "@eve"), ("nobody", None)]
)
def test_who_an_owner_is(owner: str, handle: str | None) -> None:
    assert handle_of(owner, {"team-a": "@acme/a", "eve@example.org": "@eve"}) == handle


# The section in the file

NEW = section([Line("/specs/", ("@a",))], ["team-x"], "")


def test_the_section_names_who_has_no_handle() -> None:
    assert NEW[1] == "# team-x has no handle in spec.owners of llmops.yaml."
    assert NEW[2] == "/specs/ @a"


@pytest.mark.parametrize("before", ["", "* @all\n", "* @all", "* @all\r\n/x @b\r\n", "\n\n# only a comment\n"])
@pytest.mark.parametrize("after", ["", "/later @c\n", "/later @c"])
def test_every_other_byte_stays(before: str, after: str) -> None:
    once = with_section(before, NEW)
    assert once.startswith(before)
    ends = "\r\n" if "\r\n" in before else "\n"
    whole = once + after
    replaced = with_section(whole, section([Line("/other/", ("@b",))], [], ""))
    assert replaced.startswith(before)
    assert replaced.endswith(after)
    assert f"/other/ @b{ends}" in replaced
    assert "/specs/" not in replaced
    assert with_section(whole, NEW) == whole


def test_sections_of_two_workspaces_stand_side_by_side() -> None:
    other = section([Line("/b/specs/", ("@b",))], [], "b")
    both = with_section(with_section("", NEW), other)
    assert with_section(both, NEW) == both
    assert both.count(">>>") == 2


@pytest.mark.parametrize(
    "broken", [NEW[:1], NEW[-1:], [NEW[-1], NEW[0]], [*NEW, *NEW]], ids=["no end", "no begin", "turned round", "twice"]
)
def test_broken_markers_are_refused(broken: list[str]) -> None:
    with pytest.raises(UsageError, match="markers"):
        with_section("\n".join(broken) + "\n", NEW)


# The verb, in real repositories


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "specs").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "llmops.yaml").write_text(WORKSPACE + HANDLES, "utf-8")
    add_model(folder, "small", "team-a")
    return folder


def add_model(folder: Path, name: str, owner: str) -> None:
    (folder / "specs" / f"{name}.yaml").write_text(MODEL.format(name=name, owner=owner), "utf-8")


def owned(folder: Path, file: str = ".github/CODEOWNERS") -> list[str]:
    text = (folder / file).read_text("utf-8")
    return [line for line in text.splitlines() if line.startswith("/")]


def test_it_is_written_where_there_is_none(shop: Path, llmops: Run) -> None:
    done = llmops("codeowners", cwd=shop)
    assert (done.returncode, done.stdout, done.stderr) == (0, "wrote .github/CODEOWNERS\n", "")
    assert owned(shop) == ["/specs/ @acme/a"]
    assert llmops("codeowners", "--check", cwd=shop).stdout == ".github/CODEOWNERS is up to date.\n"


@pytest.mark.parametrize(
    ("present", "written"),
    [
        (["CODEOWNERS"], "CODEOWNERS"),
        (["docs/CODEOWNERS"], "docs/CODEOWNERS"),
        (["docs/CODEOWNERS", "CODEOWNERS", ".github/CODEOWNERS"], ".github/CODEOWNERS"),
        (["docs/CODEOWNERS", "CODEOWNERS"], "CODEOWNERS"),
    ],
)
def test_the_file_that_github_reads_is_taken(shop: Path, llmops: Run, present: list[str], written: str) -> None:
    for name in present:
        (shop / name).parent.mkdir(exist_ok=True)
        (shop / name).write_text("* @acme/all\n", "utf-8")
    assert llmops("codeowners", cwd=shop).stdout == f"wrote {written}\n"
    changed = [name for name in present if (shop / name).read_text("utf-8") != "* @acme/all\n"]
    assert changed == [written]
    assert owned(shop, written) == ["/specs/ @acme/a"]


def test_check_shows_the_difference_and_writes_nothing(shop: Path, llmops: Run) -> None:
    llmops("codeowners", cwd=shop)
    before = (shop / ".github" / "CODEOWNERS").read_bytes()
    add_model(shop, "large", "team-b")
    done = llmops("codeowners", "--check", cwd=shop)
    assert done.returncode == 1
    assert "-/specs/ @acme/a\n+/specs/large.yaml @acme/b\n+/specs/small.yaml @acme/a\n" in done.stdout
    assert "run `llmops codeowners`" in done.stderr
    assert (shop / ".github" / "CODEOWNERS").read_bytes() == before


def test_print_writes_nothing(shop: Path, llmops: Run) -> None:
    done = llmops("codeowners", "--print", cwd=shop)
    assert done.returncode == 0
    assert "/specs/ @acme/a\n" in done.stdout
    assert not (shop / ".github").exists()


def test_an_owner_without_a_handle_is_a_finding(shop: Path, llmops: Run) -> None:
    add_model(shop, "large", "strangers")
    for flags in ([], ["--check"], ["--print"]):
        done = llmops("codeowners", *flags, cwd=shop)
        assert done.returncode == 1
        assert done.stderr == "warning: strangers owns 1 file and has no handle in spec.owners of llmops.yaml\n"
    assert "# strangers has no handle" in (shop / ".github" / "CODEOWNERS").read_text("utf-8")
    assert owned(shop) == ["/specs/small.yaml @acme/a"]


def test_an_address_stands_for_itself(shop: Path, llmops: Run) -> None:
    add_model(shop, "small", "ada@example.org")
    assert llmops("codeowners", cwd=shop).returncode == 0
    assert owned(shop) == ["/specs/ ada@example.org"]


def test_a_patch_belongs_to_who_owns_what_it_changes(shop: Path, llmops: Run) -> None:
    add_model(shop, "large", "team-b")
    folder = shop / "environments" / "prod"
    folder.mkdir(parents=True)
    (folder / "large.yaml").write_text("target: {kind: Model, name: large}\npatch: {spec: {model: huge}}\n", "utf-8")
    (folder / "both.yaml").write_text("target: {kind: Model}\npatch: {metadata: {labels: {tier: '1'}}}\n", "utf-8")
    assert llmops("codeowners", cwd=shop).returncode == 0
    assert owned(shop)[:2] == ["/environments/prod/both.yaml @acme/a @acme/b", "/environments/prod/large.yaml @acme/b"]


def test_a_patch_that_hands_over_belongs_to_both(shop: Path, llmops: Run) -> None:
    folder = shop / "environments" / "prod"
    folder.mkdir(parents=True)
    (folder / "owner.yaml").write_text("target: {kind: Model, name: small}\npatch: {metadata: {owner: team-b}}\n", "utf-8")
    assert llmops("codeowners", cwd=shop).returncode == 0
    assert owned(shop) == ["/environments/ @acme/a @acme/b", "/specs/ @acme/a @acme/b"]


def test_a_patch_in_the_settings_belongs_to_whom_it_changes(shop: Path, llmops: Run) -> None:
    text = WORKSPACE.replace("prod: }", "prod: {patches: [{target: {name: small}, patch: {spec: {model: huge}}}]}}")
    (shop / "llmops.yaml").write_text(text + HANDLES, "utf-8")
    assert llmops("codeowners", cwd=shop).returncode == 0, (shop / "llmops.yaml").read_text()
    assert owned(shop) == ["/llmops.yaml @acme/a", "/specs/ @acme/a"]


def test_a_prompts_text_belongs_to_the_prompt(shop: Path, llmops: Run) -> None:
    (shop / "prompts").mkdir()
    (shop / "prompts" / "answer it.txt").write_text("Answer: {{ question }}", "utf-8")
    (shop / "prompts" / "notes.txt").write_text("nobody's", "utf-8")
    prompt = (
        "apiVersion: llmops/v1\nkind: Prompt\nmetadata: {name: answer, owner: team-b}\nspec:\n  version: 1.0.0\n  changelog: First.\n"
        "  variables: {question: {type: string}}\n  messages: [{role: user, content_file: '../prompts/answer it.txt'}]\n"
    )
    (shop / "specs" / "answer.yaml").write_text(prompt, "utf-8")
    assert llmops("codeowners", cwd=shop).returncode == 0
    assert r"/prompts/answer\ it.txt @acme/b" in owned(shop)


def test_ignored_and_deleted_files_count_for_nothing(shop: Path, llmops: Run) -> None:
    """They differ from machine to machine."""
    add_model(shop, "gone", "team-b")
    (shop / ".gitignore").write_text("*.tmp\n", "utf-8")
    commit(shop)
    (shop / "specs" / "gone.yaml").unlink()
    (shop / "specs" / "left.tmp").write_text("", "utf-8")
    llmops("codeowners", cwd=shop)
    assert owned(shop) == ["/specs/ @acme/a"]


def test_an_ignored_spec_has_no_owner(shop: Path, llmops: Run) -> None:
    (shop / ".gitignore").write_text("specs/mine.yaml\n", "utf-8")
    add_model(shop, "mine", "strangers")
    done = llmops("codeowners", cwd=shop)
    assert (done.returncode, done.stderr) == (0, "")
    assert owned(shop) == ["/specs/ @acme/a"]


def test_documents_datasets_policies_and_waivers_have_owners(example: Path, llmops: Run) -> None:
    git(example, "init", "--quiet", "--initial-branch", "main")
    names = ("docs-team", "ml-platform", "risk", "trust-and-safety")
    handles = "  owners: {" + ", ".join(f"{name}: '@acme/{name}'" for name in names) + "}\n"
    (example / "llmops.yaml").write_text((ROOT / "llmops.yaml").read_text("utf-8").partition("  owners:")[0] + handles, "utf-8")
    done = llmops("codeowners", cwd=example)
    assert "security owns" in done.stderr
    written = owned(example)
    for line in (
        "/docs/**/*.md @acme/docs-team",
        "/evals/handbook.jsonl @acme/docs-team",
        "/environments/prod/model.yaml @acme/ml-platform",
        "/policies/pack.yaml @acme/risk",
        "/policies/rails-fail-closed.yaml @acme/trust-and-safety",
        "/waivers/ @acme/docs-team",
    ):
        assert line in written
    assert not [line for line in written if "no-pickled-weights" in line]


def test_specs_with_errors_are_shown_and_nothing_is_written(shop: Path, llmops: Run) -> None:
    (shop / "specs" / "broken.yaml").write_text("apiVersion: llmops/v1\nkind: Modle\n", "utf-8")
    done = llmops("codeowners", cwd=shop)
    assert done.returncode == 1
    assert "specs/broken.yaml" in done.stderr
    assert "CODEOWNERS was not written" in done.stderr
    assert not (shop / ".github").exists()


def test_broken_settings_are_shown(shop: Path, llmops: Run) -> None:
    (shop / "llmops.yaml").write_text(WORKSPACE + "  owners: {team-a: 'no handle'}\n", "utf-8")
    done = llmops("codeowners", cwd=shop)
    assert done.returncode == 1
    assert "llmops.yaml:" in done.stderr


def test_a_workspace_in_a_subfolder(shop: Path, llmops: Run, tmp_path: Path) -> None:
    monorepo = tmp_path / "mono"
    shutil.move(shop / ".git", tmp_path / "git")
    shutil.copytree(shop, monorepo / "a b")
    shutil.copytree(shop, monorepo / "c")
    subprocess.run(["git", "init", "--quiet"], cwd=monorepo, check=True)
    for folder in ("a b", "c"):
        assert llmops("codeowners", "--workspace", folder, cwd=monorepo).returncode == 0
    assert owned(monorepo) == [r"/a\ b/specs/ @acme/a", "/c/specs/ @acme/a"]


def test_a_folder_without_a_repository(tmp_path: Path, llmops: Run) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "llmops.yaml").write_text(WORKSPACE, "utf-8")
    done = llmops("codeowners", cwd=tmp_path)
    assert done.returncode == 2
    assert "is in no git repository" in done.stderr


def test_a_file_that_is_no_text(shop: Path, llmops: Run) -> None:
    (shop / "CODEOWNERS").write_bytes(b"# caf\xe9\n")
    done = llmops("codeowners", cwd=shop)
    assert done.returncode == 2
    assert "is not UTF-8" in done.stderr
    assert (shop / "CODEOWNERS").read_bytes() == b"# caf\xe9\n"


def test_this_repositorys_own_is_up_to_date(llmops: Run) -> None:
    done = llmops("codeowners", "--check", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
