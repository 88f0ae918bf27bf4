"""Reads the packs of policies that a workspace takes: folders of its own, and folders of installed Python packages.

Input: the project. Output: `Packs`. A pack that is missing, empty or of another version is an error: without its policies
a check would pass everything. Nothing of a package is imported; its folder is found and read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llmops.check.rules import Rule, Waiver
from llmops.diagnostics import Diagnostic
from llmops.kinds import API_VERSION, POLICY_KINDS
from llmops.kinds.fields import with_defaults
from llmops.load.discover import read_folders
from llmops.load.root import SETTINGS
from llmops.load.source import UNREAD, Document, Places, Source, load
from llmops.load.tree import Disk
from llmops.project import Project
from llmops.resources import Path as FieldPath
from llmops.validate import dotted, schema_mistakes
from llmops.validate.explain import Mistake, nearest, shown
from llmops.validate.formats import check_formats

USUAL = "policies"
"""The folder that is a pack where `llmops.yaml` names none."""


@dataclass(frozen=True, slots=True)
class Packs:
    """What all packs of a workspace hold. `sources` are their files; those of a package are named `package/file`."""

    rules: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    sources: tuple[Source, ...] = ()


NO_PACKS = Packs()


def read_packs(project: Project) -> tuple[Packs, list[Diagnostic]]:
    """Every policy and waiver, and what is wrong with them; a broken one is left out."""
    reader = _Reader(project)
    for index, entry in enumerate(_entries(project)):
        reader.read(entry, ("spec", "policies", index))
    reader.check_waivers()
    packs = Packs(tuple(reader.rules.values()), tuple(reader.waivers), tuple(reader.sources))
    places = Places([*reader.sources, project.source])
    return packs, [*reader.diagnostics, *(_located(document, mistake, places) for document, mistake in reader.mistakes)]


def pack_alone(folder: Path) -> Project:
    """A pack without a workspace, for its author to list and test."""
    settings = {"policies": [{"path": ".", "enforcement": {}}], "environments": {}, "targets": []}
    return Project(Disk(folder), folder.resolve().name, settings, Document(SETTINGS, 0, 1, None), Source(SETTINGS, None))


def _entries(project: Project) -> list[Mapping[str, Any]]:
    named = project.settings.get("policies")
    if named is not None:
        return list(named)
    return [{"path": USUAL, "enforcement": {}}] if project.tree.entries(USUAL) is not None else []


def _located(document: Document, mistake: Mistake, places: Places) -> Diagnostic:
    place = places.key(document, mistake.path) if mistake.at_key else places.value(document, mistake.path)
    return Diagnostic(mistake.code, "error", mistake.message, (place,), dotted(mistake.path), mistake.hint)


class _Reader:
    """Gathers what the packs hold, in their order."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.rules: dict[str, Rule] = {}
        self.waivers: list[Waiver] = []
        self.sources: list[Source] = []
        self.diagnostics: list[Diagnostic] = []
        self.mistakes: list[tuple[Document, Mistake]] = []

    def read(self, entry: Mapping[str, Any], at: FieldPath) -> None:
        """One entry of `spec.policies`, which stands at `at` in the settings."""
        sources = self._sources_of(entry, at)
        if sources is None:
            return
        documents, found = load(sources)
        self.sources += sources
        self.diagnostics += found
        valid = [document for document in documents if document.data is not UNREAD and not self._note(document)]
        by_kind = {kind: [d for d in valid if d.data["kind"] == kind] for kind in POLICY_KINDS}
        self.waivers += [Waiver(d, d.data["spec"], d.data["metadata"]["owner"]) for d in by_kind["Waiver"]]
        self._check_pack(entry, at, documents, by_kind["PolicyPack"])
        self._add_rules(entry, at, by_kind["Policy"])

    def _say(self, code: str, at: FieldPath, message: str, hint: str) -> None:
        """Something wrong with `llmops.yaml`."""
        self.mistakes.append((self._project.document, Mistake(code, at, message, hint)))

    def _sources_of(self, entry: Mapping[str, Any], at: FieldPath) -> list[Source] | None:
        if "package" in entry:
            return self._packaged(entry["package"], (*at, "package"))
        path = entry["path"]
        if not self._project.tree.is_inside(path):
            self._say("LLM0103", (*at, "path"), f"The folder {path} lies outside the workspace", "Name a folder inside it.")
        elif not self._project.tree.is_folder(path):
            self._say("LLM0909", (*at, "path"), f"The pack {path} does not exist", "Make the folder, or remove the entry.")
        else:
            sources, found = read_folders(self._project.tree, [path])
            self.diagnostics += found
            return sources
        return None

    def _packaged(self, package: str, at: FieldPath) -> list[Source] | None:
        folder = _folder_of(package)
        if folder is None:
            self._say("LLM0909", at, f"The package {package} is not installed", "Install it where llmops runs, or correct the name.")
            return None
        witness = self._project.tree.witness
        sources, found = read_folders(Disk(folder, witness), ["."])
        named = {source.file: f"{package}/{source.file}" for source in sources}
        for file, shown_as in named.items():
            if witness:
                witness.named(shown_as, f"{folder}/{file}")
        renamed = [replace(d, locations=tuple(replace(p, file=named.get(p.file, p.file)) for p in d.locations)) for d in found]
        self.diagnostics += renamed
        return [replace(source, file=named[source.file]) for source in sources]

    def _note(self, document: Document) -> list[Mistake]:
        """The mistakes of a document, which are kept."""
        mistakes = _mistakes_of(document.data)
        self.mistakes += [(document, mistake) for mistake in mistakes]
        return mistakes

    def _check_pack(self, entry: Mapping[str, Any], at: FieldPath, documents: list[Document], packs: list[Document]) -> None:
        name = entry.get("package") or entry["path"]
        versions = [pack.data["spec"]["version"] for pack in packs]
        wanted = entry.get("version")
        where = (*at, "version") if wanted else at
        if not documents:
            self._say("LLM0909", at, f"The pack {name} holds nothing", "Correct the name, or remove the entry.")
        elif len(versions) > 1:
            self.mistakes.append((packs[1], Mistake("LLM0909", (), f"The pack {name} is described twice", "Keep one PolicyPack.")))
        elif not versions and (wanted or "package" in entry):
            hint = f"Write {name}/pack.yaml with `kind: PolicyPack` and a version."
            self._say("LLM0909", where, f"The pack {name} does not say which version it is", hint)
        elif wanted and wanted.split(".") != versions[0].split(".")[: wanted.count(".") + 1]:
            hint = f"Install {wanted}, or read what {versions[0]} changes and name it here."
            self._say("LLM0909", where, f"The pack {name} is version {versions[0]}, not {wanted}", hint)

    def _add_rules(self, entry: Mapping[str, Any], at: FieldPath, documents: list[Document]) -> None:
        changes = entry["enforcement"]
        names = []
        for document in documents:
            filled = with_defaults("Policy", document.data)
            name = filled["metadata"]["name"]
            names.append(name)
            enforcement = {**filled["spec"]["enforcement"], **changes.get(name, {})}
            rule = Rule(document, filled["metadata"], filled["spec"], enforcement)
            first = self.rules.setdefault(name, rule)
            if first is not rule:
                message = f"A policy {name!r} is declared in {first.document.file} too"
                self.mistakes.append((document, Mistake("LLM0911", ("metadata", "name"), message, "Rename one.")))
            self.mistakes += [(document, mistake) for mistake in _missing_cases(filled["spec"])]
        self._check_changes(changes, (*at, "enforcement"), names)

    def check_waivers(self) -> None:
        """Leaves out those that cannot be meant, or that nobody else approved. Comes last, when all policies are known."""
        sound = []
        for waiver in self.waivers:
            faults = list(_faults_of(waiver, self.rules, self._project.environments))
            self.mistakes += [(waiver.document, fault) for fault in faults]
            if not faults:
                sound.append(waiver)
        self.waivers = sound

    def _check_changes(self, changes: Mapping[str, Mapping[str, str]], at: FieldPath, names: list[str]) -> None:
        environments = self._project.environments
        for policy, effects in changes.items():
            if policy not in names:
                mistake = Mistake("LLM0910", (*at, policy), f"The pack has no policy {policy!r}", nearest(policy, names), at_key=True)
                self.mistakes.append((self._project.document, mistake))
            for unknown in (name for name in effects if name not in environments):
                message = f"The workspace has no environment {unknown!r}"
                mistake = Mistake("LLM0910", (*at, policy, unknown), message, nearest(unknown, environments), at_key=True)
                self.mistakes.append((self._project.document, mistake))


def _faults_of(waiver: Waiver, policies: Iterable[str], environments: Iterable[str]) -> Iterator[Mistake]:
    spec = waiver.spec
    if spec["policy"] not in policies:
        yield Mistake("LLM0910", ("spec", "policy"), f"No policy is called {spec['policy']!r}", nearest(spec["policy"], policies))
    for index, name in enumerate(spec.get("environments", ())):
        if name not in environments:
            path = ("spec", "environments", index)
            yield Mistake("LLM0910", path, f"The workspace has no environment {name!r}", nearest(name, environments))
    if spec["approved_by"] == waiver.owner:
        message = f"{waiver.owner} approves an exception of its own"
        yield Mistake("LLM0913", ("spec", "approved_by"), message, "Have another team or person approve it.")


def _folder_of(package: str) -> Path | None:
    """The folder of an installed package. Only the first name is looked up, since finding `a.b` would import `a`."""
    top, *inner = package.split(".")
    spec = find_spec(top)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location, *inner)
        if folder.is_dir():
            return folder.resolve()
    return None


def _mistakes_of(data: Any) -> list[Mistake]:
    if not isinstance(data, dict):
        return [Mistake("LLM0201", (), "A policy is a map with apiVersion, kind, metadata and spec", "Start with `apiVersion: llmops/v1`.")]
    kind = data.get("kind")
    if data.get("apiVersion") != API_VERSION:
        at: FieldPath = ("apiVersion",) if "apiVersion" in data else ()
        return [Mistake("LLM0202", at, "apiVersion is missing or not known", f"Write `apiVersion: {API_VERSION}`.")]
    if not isinstance(kind, str) or kind not in POLICY_KINDS:
        message = f"A pack of policies holds no {shown(kind)}"
        return [Mistake("LLM0203", ("kind",), message, f"Here stand {', '.join(POLICY_KINDS)}; other kinds stand in spec.specs.")]
    return schema_mistakes(data, kind) or check_formats(data)


def _missing_cases(spec: Mapping[str, Any]) -> Iterator[Mistake]:
    shown_cases = {case["expect"] for case in spec["tests"]}
    missing = [word for word, expect in (("passing", "pass"), ("failing", "fail")) if expect not in shown_cases]
    if missing:
        message = f"The policy has no {' and no '.join(missing)} case"
        yield Mistake("LLM0905", ("spec", "tests"), message, "Add one: a rule that was never seen to fire may never do.", at_key=True)
