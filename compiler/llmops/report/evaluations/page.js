"use strict";
(() => {
  const tools = document.getElementById("tools");
  if (!tools) return;
  const words = document.getElementById("words");
  const sort = document.getElementById("sort");
  const none = document.getElementById("none");
  const count = document.getElementById("count");
  const sections = [...document.querySelectorAll(".answers")];
  const cases = [...document.querySelectorAll(".case")].map((element) => ({
    element,
    flags: new Set(element.dataset.flags.split(" ")),
    text: null,
  }));

  // A long page is read only when somebody searches it.
  const holds = (each, wanted) => {
    each.text ??= each.element.textContent.toLowerCase();
    return wanted.every((word) => each.text.includes(word));
  };

  const show = () => {
    const flag = tools.elements.filter.value;
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const each of cases) {
      const fits = (flag === "all" || each.flags.has(flag)) && holds(each, wanted);
      each.element.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    for (const section of sections) section.hidden = !section.querySelector(".case:not([hidden])");
    none.hidden = shown > 0;
    count.textContent = `${shown.toLocaleString("en")} of ${cases.length.toLocaleString("en")}`;
  };

  const order = () => {
    const key = sort.value;
    for (const section of sections) {
      const own = [...section.querySelectorAll(".case")];
      section.append(...own.sort((a, b) => a.dataset[key] - b.dataset[key]));
    }
  };

  let waiting = 0;
  words.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 120);
  });
  tools.addEventListener("change", (event) => (event.target === sort ? order() : show()));
  tools.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  document.getElementById("reset").addEventListener("click", () => {
    tools.reset();
    order();
    show();
    words.focus();
  });
  document.addEventListener("keydown", (event) => {
    const writing = event.target.matches("input[type=search], select, textarea");
    if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      words.focus();
    } else if (event.key === "Escape" && event.target === words) {
      words.value = "";
      show();
    }
  });
  tools.hidden = false;
  show();
})();
