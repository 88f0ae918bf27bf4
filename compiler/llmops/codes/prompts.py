"""LLM05: prompts and their variables."""

from __future__ import annotations

from llmops.codes.code import APPLICATION, MESSAGE, PROMPT, VARIABLES, Code, Part

_CONTENT = '      content: "{% for d in documents %}{{ d.content }} {% endfor %}{{ question }}"'
_DECLARED = "    question: {type: string}\n    documents: {type: documents}\n"
_MESSAGE = "  messages:\n    - role: user\n"

_PROMPT = """\
apiVersion: llmops/v1
kind: Prompt
metadata: {{name: answer, owner: docs}}
spec:
  version: {version}
  variables: {variables}
  messages: [{{role: user, content: "{content}"}}]
"""
_WITH_TONE = _PROMPT.format(
    version="1.0.0",
    variables="{question: {type: string}, documents: {type: documents}, tone: {type: string}}",
    content="Be {{ tone }}. {{ documents }} {{ question }}",
)
_WITHOUT_DOCUMENTS = _PROMPT.format(version="2.0.0", variables="{question: {type: string}}", content="{{ question }}")

CODES: dict[str, Code] = {
    "LLM0501": Code(
        "Template does not parse",
        "It would fail on the first question.",
        "Mend the template; often a brace is missing.",
        (Part(MESSAGE, '      content: «"{{ documents }} {{ question }"»', '      content: "{{ documents }} {{ question }}"', _CONTENT),),
    ),
    "LLM0502": Code(
        "Undeclared variable",
        "Declared variables are how the compiler knows that every one is supplied.",
        "Declare it under spec.variables.",
        (
            Part(
                VARIABLES,
                f'    documents: {{type: documents}}\n{_MESSAGE}      content: «"{{{{ documents }}}} {{{{ question }}}}"»',
                f'{_DECLARED}{_MESSAGE}      content: "{{{{ documents }}}} {{{{ question }}}}"',
                f"{_DECLARED}{_MESSAGE}{_CONTENT}",
            ),
        ),
    ),
    "LLM0503": Code(
        "Unused variable",
        "It is declared or supplied for nothing.",
        "Use it or remove it.",
        (
            Part(
                APPLICATION,
                "  monitors: [errors]\n  variables: {«tone»: warm}",
                "  monitors: [errors]",
            ),
        ),
        given="The prompt answer has no variable `tone`.",
    ),
    "LLM0504": Code(
        "Variable that nobody supplies",
        "The prompt could not be rendered.",
        "Give the variable a value under spec.variables of the application; for `documents`, name a retrieval source.",
        (Part(APPLICATION, "  prompt: «answer»", "  prompt: answer\n  variables: {tone: warm}", "  prompt: answer"),),
        given="The prompt answer declares the variable `tone`.",
        beside={"specs/prompt.yaml": _WITH_TONE},
    ),
    "LLM0505": Code(
        "Variable of another type",
        "The template expects something else than the application supplies.",
        "Declare the type that is supplied.",
        (
            Part(VARIABLES, "    documents: {type: string}", "    documents: {type: documents}"),
            Part(APPLICATION, "  prompt: «answer»", "  prompt: answer"),
        ),
    ),
    "LLM0506": Code(
        "Variable that comes with the request",
        "The variables `question` and `documents` come with each request, and a fixed value would be overwritten.",
        "Remove it.",
        (
            Part(
                APPLICATION,
                "  monitors: [errors]\n  variables: {«question»: What is new?}",
                "  monitors: [errors]",
            ),
        ),
    ),
    "LLM0507": Code(
        "Documents are not used",
        "Retrieval would cost time and change nothing.",
        "Use `documents` in the prompt, or drop the source.",
        (
            Part(
                APPLICATION,
                "  prompt: answer@2.0.0\n  «retrieval»: [handbook]",
                "  prompt: answer@1.0.0\n  retrieval: [handbook]",
                "  prompt: answer\n  retrieval: [handbook]",
            ),
        ),
        given="Version 1.0.0 of the prompt answer uses the variable `documents`, version 2.0.0 does not.",
        beside={"specs/second-answer.yaml": _WITHOUT_DOCUMENTS},
    ),
    "LLM0508": Code(
        "Template leaves its sandbox",
        "A template sees its variables and nothing else: a template that includes other files is an error.",
        "Write the text out, or name one file in content_file.",
        (
            Part(
                MESSAGE,
                "      content: «\"{% include 'tone.txt' %} {{ documents }} {{ question }}\"»",
                '      content: "Be brief. {{ documents }} {{ question }}"',
                _CONTENT,
            ),
        ),
    ),
    "LLM0509": Code(
        "Unknown filter or test",
        "It would fail on the first question.",
        "Use one of Jinja's filters and tests.",
        (
            Part(
                MESSAGE,
                '      content: «"{{ documents }} {{ question | uper }}"»',
                '      content: "{{ documents }} {{ question | upper }}"',
                _CONTENT,
            ),
        ),
    ),
    "LLM0510": Code(
        "Template in an assistant's message",
        "Haystack copies such a message as it stands, so the model would read the braces.",
        "Write plain text, or put the template into a user or system message.",
        (
            Part(
                PROMPT,
                '    - role: assistant\n      content: «"You asked: {{ question }}"»',
                "    - role: assistant\n      content: I answer from the handbook.",
                "",
            ),
        ),
    ),
}
