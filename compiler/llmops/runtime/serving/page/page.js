"use strict";
// Everything that comes from a server or a model is put into the page as text, never as markup.
const $ = (id) => document.getElementById(id);
const page = { applications: [], running: null };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function headers() {
  const token = sessionStorage.getItem("token");
  return { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
}

async function call(path, body, signal) {
  const response = await fetch(path, {
    method: body ? "POST" : "GET", headers: headers(), body: body && JSON.stringify(body), signal,
  });
  if (response.status === 401) lock();
  if (!response.ok) throw await failure(response);
  return response;
}

async function failure(response) {
  const said = await response.json().catch(() => ({}));
  const error = new Error(said.error?.message ?? `The server answered ${response.status}.`);
  error.hint = said.error?.hint ?? "";
  return error;
}

function lock() {
  sessionStorage.removeItem("token");
  $("unlock").hidden = false;
  $("token").focus();
}

async function load() {
  try {
    page.applications = await (await call("/v1/applications")).json();
  } catch (error) {
    $("description").textContent = error.message;
    return;
  }
  $("unlock").hidden = true;
  const options = page.applications.map(({ name }) => new Option(name, name));
  $("application").replaceChildren(...options);
  describe();
  $("question").focus();
}

function describe() {
  const chosen = page.applications.find(({ name }) => name === $("application").value);
  $("description").textContent = chosen?.description ?? "";
  $("disclosure").textContent = chosen?.disclosure ?? "";
  $("disclosure").hidden = !chosen?.disclosure;
  document.title = chosen ? `${chosen.name} · llmops` : "llmops";
}

async function ask(question) {
  const answer = element("article", "answer writing");
  const text = element("div", "text");
  answer.append(text);
  $("conversation").append(element("div", "question", question), answer);
  begin();
  let trace = null;
  try {
    const body = { model: $("application").value, stream: true, messages: [{ role: "user", content: question }] };
    const response = await call("/v1/chat/completions", body, page.running.signal);
    for await (const event of events(response)) {
      if (event.error) throw Object.assign(new Error(event.error.message), { hint: event.error.hint });
      text.textContent += event.choices[0].delta.content ?? "";
      trace = event.llmops ?? trace;
      follow();
    }
    if (!trace) throw new Error("The answer broke off.");
    finish(answer, text, trace);
  } catch (error) {
    fail(answer, text, error, question);
  } finally {
    answer.classList.remove("writing");
    end();
  }
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) if (part !== "data: [DONE]") yield JSON.parse(part.slice("data: ".length));
  }
}

function finish(answer, text, trace) {
  if (trace.blocked) {
    answer.classList.add("blocked");
    text.textContent = trace.message;
  }
  const note = element("div", "note");
  if (trace.blocked) note.append(element("span", "kind", `Stopped by ${rules(trace) || "a safety rule"}`));
  else if (rules(trace)) note.append(element("span", "kind", `Rules that found something: ${rules(trace)}`));
  note.append(copyable(trace.release.slice(0, 19), trace.release, "Copy the release"));
  note.append(element("span", "", [trace.prompt.replace("Prompt/", ""), trace.label].filter(Boolean).join(" · ")));
  note.append(element("span", "", `${(trace.latency_ms / 1000).toFixed(1)} s`));
  note.append(copyable("id", trace.interaction, "Copy the id of this answer, for llmops log show"));
  answer.append(note);
  if (trace.sources.length) answer.append(passages(trace.sources));
  follow();
}

function rules(trace) {
  const found = trace.verdicts.flatMap((verdict) => verdict.hits.map((hit) => hit.rule));
  return [...new Set(found)].join(", ");
}

function passages(sources) {
  const made = element("details");
  const list = element("ol");
  for (const { path, score, content } of sources) {
    const item = element("li");
    item.append(element("strong", "", path), ` ${score.toFixed(2)}`, element("p", "", content));
    list.append(item);
  }
  made.append(element("summary", "", sources.length === 1 ? "1 passage" : `${sources.length} passages`), list);
  return made;
}

function copyable(text, whole, label) {
  const button = element("button", "", text);
  button.type = "button";
  button.title = button.ariaLabel = `${label}: ${whole}`;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(whole);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = text; }, 1200);
  });
  return button;
}

function fail(answer, text, error, question) {
  const stopped = error.name === "AbortError";
  answer.classList.add(stopped ? "stopped" : "failed");
  if (!stopped && !text.textContent) text.textContent = error.message;
  const note = element("div", "note");
  note.append(element("span", "kind", stopped ? "You stopped this answer." : [text.textContent === error.message ? "" : error.message, error.hint].filter(Boolean).join(" ")));
  const again = element("button", "", "ask again");
  again.type = "button";
  again.addEventListener("click", () => { if (!page.running) ask(question); });
  note.append(again);
  answer.append(note);
}

function begin() {
  page.running = new AbortController();
  $("send").hidden = true;
  $("stop").hidden = false;
  follow();
}

function end() {
  page.running = null;
  $("send").hidden = false;
  $("stop").hidden = true;
}

function follow() {
  window.scrollTo({ top: document.body.scrollHeight });
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = $("question").value.trim();
  if (!question || page.running) return;
  $("question").value = "";
  ask(question);
});
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("ask").requestSubmit();
  }
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") page.running?.abort(); });
$("stop").addEventListener("click", () => page.running?.abort());
$("application").addEventListener("change", describe);
$("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  load();
});
load();
