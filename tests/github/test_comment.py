"""What the action `comment` posts, against a server that keeps comments as GitHub does."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from llmops.report.plans.markdown import MARKER as MARKER_OF_THE_REPORT
from tests.github.api import ADA, ARTIFACT, BOT, LONGEST, SHA, TOKEN, Hub, archive, event, pull_request
from tests.github.repositories import ACTIONS

Post = Callable[..., "subprocess.CompletedProcess[str]"]
MARKER = f"<!-- llmops: {ARTIFACT} -->"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("comment", ACTIONS / "comment" / "comment.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["comment"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


comment = load()


def bodies(hub: Hub, user: dict[str, str] = BOT) -> list[str]:
    return [row["body"] for row in hub.comments if row["user"] == user]


def written(hub: Hub) -> list[str]:
    return [request for request in hub.requests if not request.startswith("GET")]


# What is posted where


def test_a_change_becomes_one_comment(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.add_artifact(archive(plans["change"]))
    done = post()
    assert done.returncode == 0, done.stdout + done.stderr
    (body,) = bodies(hub)
    assert body.startswith(MARKER + "\n")
    assert "RetrievalSource/handbook" in body
    assert body.count("\u2060") == body.count("<code>@\u2060llmops/"), "only the reviewers' handles are disarmed, which stand in code"
    assert f"Commit {SHA}, [run 99](https://github.example/acme/assistants/actions/runs/99)" in body
    assert hub.comments[0]["issue"] == 7


def test_the_report_begins_with_the_marker_that_ours_replaces() -> None:
    assert comment.REPORT_MARKER == MARKER_OF_THE_REPORT


def test_the_next_run_updates_it(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.add_artifact(archive(plans["change"]))
    post()
    hub.add_artifact(archive(plans["nothing"]), run=100)
    assert post(event(run=100)).returncode == 0
    (body,) = bodies(hub)
    assert "[run 100]" in body
    assert "RetrievalSource/handbook" not in body
    assert [request.partition(" ")[0] for request in written(hub)] == ["POST", "PATCH"]


def test_nothing_that_changes_is_not_worth_a_comment(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.add_artifact(archive(plans["nothing"]))
    done = post()
    assert done.returncode == 0
    assert "nothing changes" in done.stdout
    assert not hub.comments


def test_our_comment_is_found_on_a_later_page(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    for number in range(230):
        hub.add_comment(f"talk {number}", ADA)
    ours = hub.add_comment(f"{MARKER}\nan earlier plan", BOT)
    hub.add_comment("more talk", ADA)
    hub.add_artifact(archive(plans["change"]))
    post()
    assert written(hub) == [f"PATCH /repos/acme/assistants/issues/comments/{ours}"]


@pytest.mark.parametrize(
    ("body", "user"),
    [
        (f"{MARKER}\nforged", ADA),
        (f"{MARKER}\nforged", {"login": "github-actions[bot]", "type": "User"}),
        (f"{MARKER}\nforged", {"login": "github-actions", "type": "User"}),
        (f"{MARKER}\nof a user who is gone", None),
        (f"> {MARKER}\nquoted by another workflow", BOT),
        ("<!-- llmops: llmops-plan-of-another-team -->\ntheirs", BOT),
        ("", BOT),
    ],
)
def test_a_forged_marker_is_left_alone(hub: Hub, post: Post, plans: dict[str, bytes], body: str, user: dict[str, str] | None) -> None:
    hub.add_comment(body, user)
    hub.add_artifact(archive(plans["change"]))
    assert post().returncode == 0
    assert hub.comments[0]["body"] == body
    assert len(hub.comments) == 2
    assert hub.comments[1]["body"].startswith(MARKER)


def test_two_workspaces_have_a_comment_each(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    for name in (ARTIFACT, "plan-of-search"):
        hub.add_artifact(archive(plans["change"]), name=name)
        post(LLMOPS_ARTIFACT=name)
        post(LLMOPS_ARTIFACT=name)
    assert [body.partition("\n")[0] for body in bodies(hub)] == [MARKER, "<!-- llmops: plan-of-search -->"]


# Which pull request


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [pull_request(state="closed")],
        [pull_request(sha="b" * 40)],
        [pull_request(repository="eve/another-fork")],
        [pull_request(7), pull_request(8)],
        [{**pull_request(), "head": {**pull_request()["head"], "repo": None}}],
    ],
    ids=["none", "closed", "moved on", "another fork", "two branches wait for the commit", "the fork is gone"],
)
def test_no_comment_without_exactly_one_open_pull_request(
    hub: Hub, post: Post, plans: dict[str, bytes], pulls: list[dict[str, object]]
) -> None:
    hub.pulls = pulls
    hub.add_artifact(archive(plans["change"]))
    done = post()
    assert done.returncode == 0
    assert "no comment" in done.stdout
    assert not written(hub)
    assert not [request for request in hub.requests if "artifacts" in request]


def test_the_pull_request_is_found_among_many(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.pulls = [pull_request(number, sha=f"{number:040x}") for number in range(100, 305)] + [pull_request(7)]
    hub.add_artifact(archive(plans["change"]))
    post()
    assert hub.comments[0]["issue"] == 7


def test_the_artifact_does_not_say_which_pull_request(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    plan = json.loads(plans["change"])
    plan["head"]["name"] = "refs/pull/1/merge"
    hub.add_artifact(archive(json.dumps(plan).encode()))
    post()
    assert {row["issue"] for row in hub.comments} == {7}


def test_a_fork_that_was_deleted(hub: Hub, post: Post) -> None:
    done = post(event(repository=None))
    assert (done.returncode, hub.requests) == (0, [])
    assert "no comment" in done.stdout


def test_a_branch_of_the_repository_itself(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.pulls = [pull_request(7, repository="acme/assistants"), pull_request(8)]
    hub.add_artifact(archive(plans["change"]))
    post(event(repository="acme/assistants"))
    assert [row["issue"] for row in hub.comments] == [7]


# What the artifact holds


def test_a_run_without_a_plan_says_so_in_place_of_the_old_one(hub: Hub, post: Post) -> None:
    """The plan of an earlier commit would mislead whoever reviews this one."""
    hub.add_comment(f"{MARKER}\nan earlier plan", BOT)
    assert post().returncode == 0
    (body,) = bodies(hub)
    assert "made no plan" in body
    assert "an earlier plan" not in body


@pytest.mark.parametrize("name", ["other", "llmops-plan-2"])
def test_an_artifact_of_another_name_is_not_read(hub: Hub, post: Post, plans: dict[str, bytes], name: str) -> None:
    hub.add_artifact(archive(plans["change"]), name=name)
    assert post().returncode == 0
    assert "made no plan" in bodies(hub)[0]
    assert not hub.shown_to_storage


def test_an_artifact_of_another_run_is_not_read(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.add_artifact(archive(plans["change"]), run=98)
    post()
    assert "made no plan" in bodies(hub)[0]


def test_the_answers_of_an_evaluation_do_not_hide_the_plan(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.add_artifact(archive(plans["change"], evaluation=6_000_000))
    done = post()
    assert done.returncode == 0, done.stdout
    assert "RetrievalSource/handbook" in bodies(hub)[0]


def test_an_expired_artifact_is_none(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.add_artifact(archive(plans["change"]), expired=True)
    post()
    assert "made no plan" in bodies(hub)[0]


def test_the_last_attempt_counts(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.add_artifact(archive(plans["nothing"]))
    hub.add_artifact(archive(plans["change"]))
    post()
    assert "RetrievalSource/handbook" in bodies(hub)[0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no archive", "no archive that can be read"),
        (archive(b"{}"), "llmops does not read"),
        (archive(b"[" * 100_000), "llmops does not read"),
        (archive(b'{"plan_version": 1}'), "llmops does not read"),
        (archive(b"\xff\xfe"), "llmops does not read"),
        (archive(b"0" * 6_000_000), "plan.json is larger"),
        (archive(b"{}", evaluation=50_000_001), "The artifact is larger"),
        (archive(b"{}", compression=zipfile.ZIP_LZMA), "packed in a way"),
    ],
    ids=["no zip", "empty", "deep", "a part", "no text", "a bomb", "too large", "a rare compression"],
)
def test_an_artifact_that_is_no_plan_is_refused(hub: Hub, post: Post, content: bytes, why: str) -> None:
    hub.add_artifact(content)
    done = post()
    assert done.returncode == 1
    first, _ = done.stdout.splitlines()
    assert first.startswith("not shown: ")
    assert why in first
    assert "Traceback" not in done.stderr
    (body,) = bodies(hub)
    assert "cannot be read" in body
    assert len(body) < 500


def test_the_plan_of_the_schema_and_not_of_the_stranger(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    plan = json.loads(plans["change"])
    hub.add_artifact(archive(json.dumps({**plan, "and": "::error::more\n::add-mask::x"}).encode()))
    done = post()
    assert done.returncode == 1
    assert not [line for line in done.stdout.splitlines() if line.strip().startswith("::")]


def test_names_in_the_archive_are_no_paths(hub: Hub, post: Post, plans: dict[str, bytes], tmp_path: Path) -> None:
    hub.add_artifact(archive(plans["change"], name="../plan.json"))
    hub.add_artifact(archive(plans["change"], name=str(tmp_path / "plan.json")))
    post()
    assert "made no plan" in bodies(hub)[0]
    assert not list(tmp_path.rglob("plan.json"))


def test_a_bomb_is_never_unpacked() -> None:
    """Its size in the archive's own words is not trusted either: no more is unpacked than may be kept."""
    bomb = archive(b"0" * 60_000_000)
    tracemalloc.start()
    with pytest.raises(comment.Unusable):
        comment.unpack(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 30_000_000


def test_no_damaged_archive_crashes_it(plans: dict[str, bytes]) -> None:
    sound = archive(plans["change"])
    choose = random.Random(4)
    seen = set()
    for _ in range(400):
        damaged = bytearray(sound)
        for _ in range(choose.randrange(1, 4)):
            damaged[choose.randrange(len(damaged))] = choose.randrange(256)
        try:
            seen.add(type(comment.unpack(bytes(damaged))))
        except comment.Unusable:
            seen.add(comment.Unusable)
    assert comment.Unusable in seen
    assert seen <= {comment.Unusable, bytes, type(None)}


# Who sees the token


def test_the_storage_never_sees_the_token(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.add_artifact(archive(plans["change"]))
    post()
    assert hub.shown_to_storage == [None]


def test_what_renders_the_plan_never_sees_the_token(hub: Hub, post: Post, plans: dict[str, bytes], tmp_path: Path) -> None:
    spy = tmp_path / "bin" / "llmops"
    spy.parent.mkdir()
    spy.write_text("#!/bin/sh\necho rendered by $0; env > seen; exit 1\n", "utf-8")
    spy.chmod(0o755)
    hub.add_artifact(archive(plans["change"]))
    assert post(PATH=f"{spy.parent}:/usr/bin:/bin").returncode == 0
    seen = (tmp_path / "seen").read_text("utf-8")
    assert "GITHUB_REPOSITORY" in seen
    assert TOKEN not in seen


def test_a_token_that_is_refused(hub: Hub, post: Post) -> None:
    done = post(GITHUB_TOKEN="another")
    assert done.returncode == 1
    assert "GitHub refuses: 401" in done.stdout


def test_a_locked_pull_request(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    hub.locked = True
    hub.add_artifact(archive(plans["change"]))
    done = post()
    assert done.returncode == 1
    assert "GitHub refuses: 403" in done.stdout


# Hostile text

HOSTILE = (
    "@acme/everyone <!-- llmops: llmops-plan --> ]]> <img src=x onerror=alert(1)> \x1b[31m\u202e --> </details> ```\n@ada [x](javascript:a)"
)


def test_hostile_text_reaches_the_comment_as_text(hub: Hub, post: Post, plans: dict[str, bytes]) -> None:
    plan = json.loads(plans["change"])
    plan["changes"][0]["fields"][0] |= {"old": HOSTILE, "new": HOSTILE * 2, "note": HOSTILE}
    plan["changes"][0]["owner"] = HOSTILE
    plan["reviewers"][0] |= {"handle": "@acme/everyone", "why": [HOSTILE]}
    hub.add_artifact(archive(json.dumps(plan).encode()))
    post()
    (body,) = bodies(hub)
    assert body.count("<!--") == 1
    assert "@acme" not in body
    assert "@ada" not in body
    assert "<img" not in body
    assert "\x1b" not in body
    assert "\u202e" not in body


def test_the_poster_disarms_what_the_report_let_through() -> None:
    text = comment.disarm("a @acme/docs <!-- llmops --> b\x00\x1b[1m\u202e\r\n| c |\td\n")
    assert "@acme" not in text
    assert "<!--" not in text
    assert text.count("\N{REPLACEMENT CHARACTER}") == 3
    assert text.endswith("\n| c |\td\n")


def run() -> object:
    return comment.Run(99, SHA, "eve", "feature", "eve/fork")


def test_a_long_comment_is_cut_at_what_github_takes() -> None:
    long = "<details><summary>all</summary>\n\n" + "".join(f"| row {i} | {'x' * 80} |\n" for i in range(2_000)) + "</details>\n"
    body = comment.compose(MARKER, long, run(), "https://github.example/run")
    assert LONGEST - 3_000 < len(body) <= LONGEST
    assert body.startswith(MARKER)
    assert body.count("<details>") == body.count("</details>") == 1
    assert body.index("</details>") < body.index("The rest does not fit")
    assert "row 1999" not in body


def test_a_cut_closes_a_block_of_code() -> None:
    text = comment.cut("```diff\n" + "+ line\n" * 20_000 + "```\n", 10_000, "NOTE")
    assert text.count("```") == 2
    assert text.index("```", 3) < text.index("NOTE")


def test_what_fits_is_not_cut() -> None:
    text = "line\n" * 100
    assert comment.cut(text, len(text), "NOTE") == text


def test_characters_are_counted_as_github_counts_them() -> None:
    """Beyond the basic plane one takes two."""
    body = comment.compose(MARKER, "\N{ROCKET}" * 500 + "\n" + ("\N{ROCKET}" * 100 + "\n") * 600, run(), "https://github.example/run")
    assert len(body.encode("utf-16-le")) // 2 <= LONGEST
    assert "The rest does not fit" in body
