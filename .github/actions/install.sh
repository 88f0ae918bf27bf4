#!/usr/bin/env bash
# Installs llmops from the tree that these actions stand in, and its dependencies by their hashes, into $RUNNER_TEMP/llmops.
# So the digest that a workflow pins an action with pins all that runs. LLMOPS_PACKAGES: more for pip, such as packs of policies.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${RUNNER_TEMP:?}/llmops
install=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input)

python3 -m venv "$venv"
"${install[@]}" --only-binary :all: --require-hashes --no-deps --requirement "$here/requirements.txt"
"${install[@]}" --no-deps --no-build-isolation "$here/../.."

read -ra packages <<<"${LLMOPS_PACKAGES:-}"
if ((${#packages[@]})); then
  "${install[@]}" -- "${packages[@]}"
fi
"$venv/bin/llmops" --version
