"""`llmops compile`, as a user runs it: a bundle or none, and never over something else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.conftest import Run


def bundle_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_bundle_is_written(base: Path, llmops: Run) -> None:
    done = llmops("compile", cwd=base)
    assert done.returncode == 0 and done.stderr == ""
    bundle = bundle_in(base / "build" / "dev")
    assert done.stdout.startswith(f"9 resources → {len(bundle)} files in build/dev\n  Application/helper  release sha256:")
    manifest = json.loads(bundle.pop("manifest.json"))
    assert manifest["files"] == {path: hashlib.sha256(content).hexdigest() for path, content in bundle.items()}
    assert manifest["applications"]["helper"]["release"][:19] in done.stdout


def test_environments_have_folders_of_their_own(base: Path, llmops: Run) -> None:
    for name in ("dev", "prod"):
        assert llmops("compile", "--env", name, cwd=base).returncode == 0
    assert sorted(path.name for path in (base / "build").iterdir()) == ["dev", "prod"]


def test_another_folder(base: Path, llmops: Run, tmp_path: Path) -> None:
    done = llmops("compile", "--out", str(tmp_path / "bundle"), cwd=base)
    assert done.returncode == 0 and str(tmp_path / "bundle") in done.stdout
    assert (tmp_path / "bundle" / "manifest.json").is_file() and not (base / "build").exists()


def test_errors_leave_the_old_bundle(base: Path, llmops: Run) -> None:
    llmops("compile", cwd=base)
    before = bundle_in(base / "build" / "dev")
    source = base / "specs" / "source.yaml"
    source.write_text(source.read_text().replace("top_k", "topk"))
    done = llmops("compile", cwd=base)
    assert done.returncode == 1 and done.stdout == ""
    assert "error[LLM0204]" in done.stderr and done.stderr.endswith("Nothing was rendered.\n")
    assert bundle_in(base / "build" / "dev") == before


def test_warnings_are_printed_and_stop_nothing(base: Path, llmops: Run) -> None:
    (base / "specs" / "spare.yaml").write_text((base / "specs" / "embedder.yaml").read_text().replace("name: embedder", "name: spare"))
    done = llmops("compile", cwd=base)
    assert done.returncode == 0 and "warning[LLM0406]" in done.stderr and (base / "build" / "dev" / "manifest.json").is_file()


def test_what_is_no_longer_rendered_disappears(base: Path, llmops: Run) -> None:
    llmops("compile", cwd=base)
    before = set(bundle_in(base / "build" / "dev"))
    application = base / "specs" / "application.yaml"
    application.write_text(application.read_text().replace("name: helper", "name: advisor"))
    llmops("compile", cwd=base)
    after = set(bundle_in(base / "build" / "dev"))
    assert not any("helper" in path for path in after) and any("helper" in path for path in before)


def test_a_foreign_folder_is_refused(base: Path, llmops: Run) -> None:
    done = llmops("compile", "--out", "specs", cwd=base)
    assert done.returncode == 2 and "did not write" in done.stderr and (base / "specs" / "model.yaml").is_file()


def test_where_the_system_refuses(base: Path, llmops: Run) -> None:
    done = llmops("compile", "--out", "llmops.yaml/bundle", cwd=base)
    assert done.returncode == 1 and "cannot be written" in done.stderr and "--out" in done.stderr and "Traceback" not in done.stderr


def test_an_empty_workspace_does_not_replace_a_bundle(base: Path, llmops: Run) -> None:
    llmops("compile", cwd=base)
    before = bundle_in(base / "build" / "dev")
    for file in (base / "specs").iterdir():
        file.unlink()
    done = llmops("compile", cwd=base)
    assert done.returncode == 1 and "LLM0105" in done.stderr and bundle_in(base / "build" / "dev") == before


def test_outside_a_workspace(tmp_path: Path, llmops: Run) -> None:
    assert llmops("compile", cwd=tmp_path).returncode == 2
