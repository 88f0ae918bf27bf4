"""LLM09: the organisation's own policies, and the waivers from them."""

from __future__ import annotations

from llmops.codes.code import MODEL, SETTINGS, Code, Part, Place

_POLICY = """\
apiVersion: llmops/v1
kind: Policy
metadata: {name: short-answers, owner: risk, title: Answers have at most 512 tokens}
spec:
  why: Long answers cost more than they help.
  match: {kinds: [Model]}
  when: r.spec.task == 'chat'
  assert: r.spec.max_output_tokens <= 512
  at: spec.max_output_tokens
  message: "{{name}} may answer with {{value}} tokens"
  remediation: {text: Write 512 or less.}
  tests:
    - {name: short, expect: pass, resource: {spec: {task: chat, max_output_tokens: 128}}}
    - {name: long, expect: fail, resource: {spec: {task: chat, max_output_tokens: 1024}}}
"""
_PRICES = """\
apiVersion: llmops/v1
kind: Policy
metadata: {name: cheap-models, owner: risk, title: A million tokens cost at most 5 dollars}
spec:
  why: A dearer model needs a budget.
  match: {kinds: [Model]}
  assert: "!has(r.spec.price) || r.spec.price.output <= 5.0"
  message: "{{name}} costs more than 5 dollars"
  remediation: {text: Take a cheaper model.}
  tests:
    - name: cheap
      expect: pass
      resource: {spec: {price: {input: 0.1, output: 0.4}}}
    - name: dear
      expect: fail
      resource: {spec: {price: {input: 10, output: 30}}}
"""
_MARKDOWN = """\
apiVersion: llmops/v1
kind: Policy
metadata: {name: markdown-only, owner: docs, title: Documents are Markdown}
spec:
  why: Other formats lose their headings when they are indexed.
  match: {kinds: [RetrievalSource]}
  assert: r.files.all(file, file.endsWith('.md'))
  message: "{{name}} has a document that is no Markdown"
  remediation: {text: Convert it.}
  tests:
    - {name: markdown, expect: pass, resource: {files: [docs/a.md]}}
    - {name: word, expect: fail, resource: {files: [docs/a.docx]}}
"""
_WAIVER = """\
apiVersion: llmops/v1
kind: Waiver
metadata: {name: contracts, owner: docs}
spec:
  policy: short-answers
  target: Model/chatter
  reason: Contracts are quoted in full until they are indexed.
  expires: 2026-06-30
  approved_by: risk
"""
_LONG_ANSWERS = """\
apiVersion: llmops/v1
kind: Model
metadata: {name: chatter, owner: ml}
spec:
  task: chat
  provider: openai
  model: gpt-small
  endpoint: {url: https://llm.example.org/v1, api_key: {env: LLM_API_KEY}}
  context_window: 2048
  max_output_tokens: 1024
"""

_CHEAP = "    - name: cheap\n      expect: pass\n      resource: {spec: {price: {input: 0.1, output: 0.4}}}"
_DEAR = "    - name: dear\n      expect: fail\n      resource: {spec: {price: {input: 10, output: 30}}}"

_SHORT_ANSWERS = {"policies/short-answers.yaml": _POLICY}
_CHEAP_MODELS = {"policies/cheap-models.yaml": _PRICES}
_MANY_PAGES = {"policies/markdown-only.yaml": _MARKDOWN, **{f"docs/page-{number}.md": "A page.\n" for number in range(120)}}
_WAIVED = {**_SHORT_ANSWERS, "policies/contracts.yaml": _WAIVER, "specs/model.yaml": _LONG_ANSWERS}

_HERE = Place("policies/short-answers.yaml", "kind: Policy\nspec:")
_PRICE = Place("policies/cheap-models.yaml", "kind: Policy\nspec:")
_WAIVER_SPEC = Place("policies/contracts.yaml", "kind: Waiver\nspec:")
_ALLOWED = "The policy short-answers allows a model 512 tokens an answer"
_EXCUSED = f"{_ALLOWED}, and the waiver is for a model that has 1,024; where it does not hold, LLM0901 is reported too."

CODES: dict[str, Code] = {
    "LLM0901": Code(
        "Policy violated",
        "The organisation holds its specs to this rule; `llmops policy explain NAME` says why.",
        "Change the spec as the hint says, run `llmops check --fix` where it offers an edit, or ask for a Waiver.",
        (Part(MODEL, "  max_output_tokens: «1024»", "  max_output_tokens: 512", "  max_output_tokens: 128"),),
        given=f"{_ALLOWED}.",
        beside=_SHORT_ANSWERS,
    ),
    "LLM0902": Code(
        "Policy's expression does not compile",
        "A rule with a misspelt field would never fire.",
        "Correct the CEL at the caret. An expression may read `r` (the resource, with the fields of its kind), `item` (with `each`), "
        "`old` (the base version), `refs` (the resources that it reaches, by kind), `evidence` (of an Application: what evaluations have "
        "shown of its release), `env` and `today`.",
        (Part(_HERE, "  assert: r.spec.«max_output_token» <= 512", "  assert: r.spec.max_output_tokens <= 512"),),
        beside=_SHORT_ANSWERS,
        given="The kind Model has the field max_output_tokens.",
    ),
    "LLM0903": Code(
        "Policy failed while it was evaluated",
        "A rule that crashes has judged nothing; it never counts as a pass.",
        "Guard a field that may be absent with has(), or correct the expression.",
        (
            Part(
                _PRICE,
                "  assert: «r.spec.price.output <= 5.0»",
                '  assert: "!has(r.spec.price) || r.spec.price.output <= 5.0"',
            ),
        ),
        given="The model chatter has no price.",
        beside=_CHEAP_MODELS,
    ),
    "LLM0904": Code(
        "Policy took too much",
        "A rule has a budget of time, memory and iterations, so that a hostile one cannot hang a check.",
        "Nest fewer loops, and don't build long texts.",
        (
            Part(
                Place("policies/markdown-only.yaml", "kind: Policy\nspec:"),
                "  assert: «r.files.all(a, r.files.all(b, b.endsWith('.md')))»",
                "  assert: r.files.all(file, file.endsWith('.md'))",
            ),
        ),
        given="The retrieval source handbook has 121 files, and the wrong expression pairs each with each.",
        beside=_MANY_PAGES,
    ),
    "LLM0905": Code(
        "Policy without a passing and a failing case",
        "A rule that was never seen to fire may never do.",
        "Add a case to `tests` with `expect: pass` and one with `expect: fail`.",
        (
            Part(
                _PRICE,
                f"  «tests»:\n{_CHEAP}",
                f"  tests:\n{_CHEAP}\n{_DEAR}",
            ),
        ),
        given="The policy cheap-models is to allow 5 dollars a million tokens.",
        beside=_CHEAP_MODELS,
    ),
    "LLM0906": Code(
        "Policy's own case fails",
        "The rule says something else than its author shows.",
        "Correct the rule or the case; `llmops policy test NAME` runs them.",
        words="A case says `expect: pass`, and the policy's `assert` is false for its resource. Only `llmops policy test` runs the cases.",
    ),
    "LLM0907": Code(
        "Waiver has expired",
        "An exception was allowed for a time, and that time is over: the policy holds again.",
        "Mend the spec and remove the waiver, or have it approved anew with another day.",
        (Part(_WAIVER_SPEC, "  expires: «2025-06-30»", "  expires: 2026-06-30"),),
        given=f"It is 2026-01-01. {_EXCUSED}",
        beside=_WAIVED,
    ),
    "LLM0908": Code(
        "Waiver waives nothing",
        "A waiver that no violation needs would silently cover the next one.",
        "Remove it, or correct `policy` and `target`.",
        (Part(_WAIVER_SPEC, "  policy: short-answers\n  target: «Model/chater»", "  policy: short-answers\n  target: Model/chatter"),),
        given=_EXCUSED,
        beside=_WAIVED,
    ),
    "LLM0909": Code(
        "Policy pack not found, or another version",
        "A check without its policies would pass everything.",
        "Install the package, or correct `path`, `package` and `version` in llmops.yaml.",
        (Part(SETTINGS, "  policies: [{path: «rules»}]", "  policies: [{path: policies}]", ""),),
        given="The workspace's policies are in the folder policies.",
        beside=_SHORT_ANSWERS,
    ),
    "LLM0910": Code(
        "No such policy or environment",
        "A name that is nowhere declared configures nothing.",
        "Correct the name.",
        (
            Part(
                SETTINGS,
                "  policies:\n    - path: policies\n      enforcement: {short-answers: {«prodd»: warn}}",
                "  policies:\n    - path: policies\n      enforcement: {short-answers: {prod: warn}}",
                "",
            ),
        ),
        given="The workspace has the environments dev and prod.",
        beside=_SHORT_ANSWERS,
    ),
    "LLM0911": Code(
        "Policy declared twice",
        "Two rules of one name cannot be told apart in a report or a waiver.",
        "Rename one.",
        (
            Part(
                Place("policies/shorter-answers.yaml", "kind: Policy"),
                "metadata: {name: «short-answers», owner: ml, title: Answers are short}",
                "metadata: {name: shorter-answers, owner: ml, title: Answers are short}",
                "metadata: {name: short-answers, owner: risk, title: Answers have at most 512 tokens}",
            ),
        ),
        given="The file policies/short-answers.yaml declares the policy short-answers.",
        beside={**_SHORT_ANSWERS, "policies/shorter-answers.yaml": _POLICY},
    ),
    "LLM0912": Code(
        "Policy names a field that its kinds don't have",
        "The caret, the item or the fix would lead nowhere.",
        "Correct the path; `llmops schema` writes the schemas.",
        (Part(_HERE, "  at: «spec.max_output_token»", "  at: spec.max_output_tokens"),),
        given="The kind Model has the field max_output_tokens.",
        beside=_SHORT_ANSWERS,
    ),
    "LLM0913": Code(
        "Waiver approved by its own owner",
        "An exception needs a second pair of eyes.",
        "Have another team or person approve it.",
        (
            Part(
                Place("policies/contracts.yaml", "kind: Waiver\nmetadata: {name: contracts, owner: docs}\nspec:"),
                "  approved_by: «docs»",
                "  approved_by: risk",
            ),
        ),
        given=_EXCUSED,
        beside=_WAIVED,
    ),
    "LLM0914": Code(
        "Policies of changes not evaluated",
        "They compare a resource with its base version, and this check was given no base.",
        "Give one: `llmops check --base origin/main`.",
        words="A policy's `assert` reads `old`, and `llmops check` was run without --base.",
    ),
}
