"""LLM01: the workspace and its folders."""

from __future__ import annotations

from llmops.codes.code import SETTINGS, Code, Part, Place

_HEAD = "apiVersion: llmops/v1\nkind: Workspace\nmetadata: {name: golden}\nspec:"

CODES: dict[str, Code] = {
    "LLM0101": Code(
        "No workspace",
        "Nothing can be compiled without llmops.yaml.",
        "Run `llmops init`, or change into the workspace.",
        words="The folder that was named with --workspace, or this folder and every one above it, has no file llmops.yaml.",
    ),
    "LLM0102": Code(
        "File cannot be read",
        "What cannot be read cannot be checked.",
        "Check that it is a regular file and that you may read it.",
        words="The operating system refuses to open the file, or a pipe stands where a file should.",
    ),
    "LLM0103": Code(
        "Outside the workspace",
        "What a bundle depends on must be in the repository.",
        "Move the file or folder inside. Links that lead outside are not followed.",
        (Part(SETTINGS, "  specs: [«../specs»]", "  specs: [specs]", ""),),
    ),
    "LLM0104": Code(
        "Folder does not exist",
        "The field spec.specs of llmops.yaml names the folders that hold specs.",
        "Make the folder, or correct the name.",
        (Part(SETTINGS, "  specs: [specs, «assistants»]", "  specs: [specs]", ""),),
    ),
    "LLM0105": Code(
        "No resource",
        "The bundle would be empty, and would replace one that is not.",
        "Write a spec into a folder of spec.specs; files end in .yaml or .yml.",
        (
            Part(
                Place("llmops.yaml"),
                "«a»piVersion: llmops/v1\nkind: Workspace\nmetadata: {name: demo}\nspec:\n  specs: [drafts]",
                "apiVersion: llmops/v1\nkind: Workspace\nmetadata: {name: demo}\nspec:\n  specs: [specs]",
                _HEAD,
            ),
        ),
        given="The folder drafts holds no file that ends in .yaml.",
        beside={"drafts/ideas.txt": "A helper for releases.\n"},
    ),
}
