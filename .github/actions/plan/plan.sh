#!/usr/bin/env bash
# Plans what a change does to a workspace and checks it. Input: the LLMOPS_ variables below. Output: files in $LLMOPS_OUTPUT, the
# run's summary, its annotations and $GITHUB_OUTPUT. Fails at the end only, so that there is a plan also where a check fails.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
workspace=${LLMOPS_WORKSPACE:-.}
base=${LLMOPS_BASE:-${GITHUB_BASE_REF:-}}
fail_on=${LLMOPS_FAIL_ON:-warning}
evaluate=${LLMOPS_EVALUATE:-true}
evaluation_environment=${LLMOPS_EVALUATION_ENVIRONMENT:-}
out=${LLMOPS_OUTPUT:-${RUNNER_TEMP:?}/llmops-plan}
summary=${GITHUB_STEP_SUMMARY:-/dev/null}
read -ra environments <<<"${LLMOPS_ENVIRONMENTS:-}"
export GIT_TERMINAL_PROMPT=0
failed=()

# A workflow command whose text cannot end the command or begin another.
annotate() { # LEVEL TEXT
  local text=${2//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '::%s title=llmops::%s\n' "$1" "${text//$'\n'/%0A}"
}

stop() {
  annotate error "$1"
  exit 2
}

# What the specs of a stranger make llmops print is shown, and never obeyed.
shown() { # TITLE COMMAND...
  local token code=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::group::$1"
  echo "::stop-commands::$token"
  "${@:2}" 2>&1 || code=$?
  # The last line may lack its end, and the token must begin one.
  printf '\n::%s::\n::endgroup::\n' "$token"
  return "$code"
}

in_repository() { git -C "$workspace" "$@"; }

commit_of() { in_repository rev-parse --verify --quiet --end-of-options "$1^{commit}"; }

find_tip() { commit_of "refs/remotes/origin/$base" || commit_of "$base"; }

fetch_base() {
  local depth=()
  if [[ $(in_repository rev-parse --is-shallow-repository) == true ]]; then
    depth=(--unshallow)
  fi
  shown "fetch the base" in_repository fetch --quiet --no-tags "${depth[@]}" origin "+refs/heads/$base:refs/remotes/origin/$base"
}

# Sets `tip`, the target branch's last commit, and `common`, the last one that this change shares with it.
find_base() {
  [[ -n $base ]] || stop "There is no base to compare with: run on pull_request, or give the input base."
  in_repository rev-parse --git-dir >/dev/null || stop "$workspace is in no git repository: check it out before."
  if tip=$(find_tip) && common=$(in_repository merge-base "$tip" HEAD); then
    return
  fi
  fetch_base || stop "The base $base is not here and cannot be fetched. Check out with fetch-depth: 0."
  tip=$(find_tip) || stop "There is no base $base."
  common=$(in_repository merge-base "$tip" HEAD) || stop "This change and $base have no commit in common."
}

check_inputs() {
  local environment
  [[ $fail_on =~ ^(error|warning|note)$ ]] || stop "fail-on is error, warning or note, not $fail_on."
  [[ $evaluate =~ ^(true|false)$ ]] || stop "evaluate is true or false, not $evaluate."
  [[ -f $workspace/llmops.yaml ]] || stop "$workspace has no llmops.yaml."
  for environment in "${environments[@]}" ${evaluation_environment:+"$evaluation_environment"}; do
    [[ $environment =~ ^[a-z0-9][a-z0-9-]*$ ]] || stop "$environment is no name of an environment."
  done
}

plan() {
  local code=0 outputs
  shown "llmops plan" llmops plan --workspace "$workspace" --base "$common" "${environments[@]/#/--env=}" \
    --format json --output "$out/plan.json" || code=$?
  if ((code > 1)) || [[ ! -f $out/plan.json ]]; then
    annotate error "llmops plan made no plan: the log says why."
    failed+=("plan")
    return
  fi
  outputs=$(python3 "$here/outputs.py" "$out/plan.json")
  echo "$outputs" >>"${GITHUB_OUTPUT:-/dev/null}"
  read -ra environments <<<"$(sed -n 's/^environments=//p' <<<"$outputs")"
  code=0
  llmops plan --read "$out/plan.json" --format markdown >>"$summary" || code=$?
  ((code <= 1)) || failed+=("plan")
}

# Annotations, the same findings as SARIF, and whether they fail the run.
check() { # ENVIRONMENT, or nothing for the workspace's own default
  local code=0 least=$fail_on
  local command=(llmops check --workspace "$workspace" --base "$common")
  if (($#)); then command+=(--env "$1"); fi
  if [[ $fail_on == error ]]; then least=warning; fi
  "${command[@]}" --severity "$least" --format github >>"$annotations" || code=$?
  shown "llmops check${1:+ in $1}" "${command[@]}" --severity "$least" --format sarif --output "$out/check-${1:-default}.sarif" || true
  if ((code == 1)) && [[ $least != "$fail_on" ]]; then
    code=0
    shown "llmops check${1:+ in $1}, errors only" "${command[@]}" --severity error || code=$?
  fi
  ((code == 0)) || failed+=("check${1:+ in $1}")
}

# A finding of several environments becomes one annotation: GitHub shows ten of a level and drops the rest.
check_all() {
  local environment
  annotations=$(mktemp)
  if ((${#environments[@]})); then
    for environment in "${environments[@]}"; do
      check "$environment"
    done
  else
    check
  fi
  awk '!seen[$0]++' "$annotations"
  rm -f "$annotations"
}

check_lock() {
  shown "llmops lock --check" llmops lock --check --workspace "$workspace" --base "$tip" && return
  annotate error "llmops lock --check fails. The log says why; where the file is stale, run \`llmops lock\` and commit it."
  failed+=("lock")
}

# The evaluation gate: base and head answer the same cases.
evaluate() {
  local code=0 committed command=(llmops eval --workspace "$workspace" --base "$common" --if-installed)
  if [[ $evaluate != true ]]; then
    echo "The evaluation gate is switched off (the input evaluate)."
    return
  fi
  # Kept answers are not asked again: a change that brings its own would decide about itself. The schemas are for editors.
  committed=$(in_repository ls-files -- .llmops ':(exclude,glob).llmops/*.schema.json')
  if [[ -n $committed ]]; then
    announce error "No evaluation was measured: .llmops is in the repository, and the answers kept there would count. Remove it."
    failed+=("evaluation")
    return
  fi
  if [[ -n $evaluation_environment ]]; then command+=(--env "$evaluation_environment"); fi
  shown "llmops eval" "${command[@]}" --report "$out/evaluation.json" --report "$out/evaluation.html" --report "$out/evaluation.xml" \
    --report "$out/evaluation.md" || code=$?
  report_evaluation "$code"
}

report_evaluation() { # EXIT-CODE of llmops eval
  local code=$1 outputs="" verdict=""
  if [[ -f $out/evaluation.md ]]; then cat "$out/evaluation.md" >>"$summary"; fi
  if [[ -f $out/evaluation.json ]]; then
    outputs=$(python3 "$here/outputs.py" "$out/evaluation.json") || code=3
    verdict=${outputs#verdict=}
  fi
  if [[ -n $verdict ]]; then
    echo "$outputs" >>"${GITHUB_OUTPUT:-/dev/null}"
  fi
  if ((code == 1)) && [[ -n $verdict ]]; then
    annotate error "llmops eval: $verdict. The page of the run shows what."
  elif ((code)); then
    announce error "llmops eval could not measure (exit code $code): the log says why."
  elif [[ -z $verdict ]]; then
    # A runner without the packages that run a bundle goes on, and nobody takes that for a pass.
    announce notice "No evaluation was measured: the log says why. The input packages brings what it needs, llmops-compiler[run,local]."
  fi
  ((code == 0)) || failed+=("evaluation")
}

# Said where there is no report: as an annotation and in the summary.
announce() { # LEVEL TEXT
  annotate "$1" "$2"
  printf '\n### llmops eval\n\n%s\n' "$2" >>"$summary"
}

check_inputs
find_base
mkdir -p "$out"
rm -f "$out"/plan.json "$out"/check-*.sarif "$out"/evaluation.*
plan
check_all
check_lock
evaluate
if ((${#failed[@]})); then
  printf -v names ', %s' "${failed[@]}"
  annotate error "Failed: ${names:2}."
  exit 1
fi
