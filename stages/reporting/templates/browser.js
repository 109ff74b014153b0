"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data-items").textContent);
  const BATCH = 40;
  const byId = (id) => document.getElementById(id);
  const [search, model, benchmark, group, verdicts, count, list, more] =
    ["search", "model", "benchmark", "group", "verdicts", "count", "items", "more"].map(byId);
  let found = [];
  let shown = 0;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function fill(select, options) {
    const before = select.value;
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    if (options.some(([value]) => value === before)) select.value = before;
  }

  // Text is put in lower case once: a search over all items then takes milliseconds.
  for (const item of data.items) {
    const parts = [item.id, item.q, ...(item.c || [])];
    for (const answer of item.a) parts.push(answer.r || "", answer.o || "");
    item.text = parts.join("\n").toLowerCase();
  }

  // The first seed's answer speaks for a variant in the filters and in the list.
  const answerOf = (item, variant) => item.a.find((answer) => answer.v === variant);

  function outcome(answer) {
    if (!answer || answer.x === undefined) return "none";
    return answer.x === 1 ? "right" : "wrong";
  }

  function fillGroups() {
    const items = data.items.filter((item) => item.m === model.value && (!benchmark.value || item.b === benchmark.value));
    const names = (key) => [...new Set(items.map((item) => item[key]).filter(Boolean))].sort();
    const readable = (name) => name.replaceAll("_", " ");
    fill(group, [
      ["", "all"],
      ...names("d").map((name) => ["d:" + name, name]),
      ...names("g").map((name) => ["g:" + name, "\u00a0\u00a0" + readable(name)]),
    ]);
  }

  function matches(item) {
    if (item.m !== model.value) return false;
    if (benchmark.value && item.b !== benchmark.value) return false;
    if (group.value && item[group.value[0]] !== group.value.slice(2)) return false;
    for (const select of verdicts.querySelectorAll("select")) {
      if (select.value && outcome(answerOf(item, select.dataset.variant)) !== select.value) return false;
    }
    return search.value.toLowerCase().split(/\s+/).every((word) => item.text.includes(word));
  }

  function verdict(variant, answer) {
    const kind = outcome(answer);
    const words = { right: "\u2713 right", wrong: "\u2717 wrong", none: "\u2013 no score" };
    const text = answer && answer.x > 0 && answer.x < 1 ? `${Math.round(100 * answer.x)}%` : words[kind];
    return element("span", `verdict is-${kind}`, `${data.variants[variant]}: ${text}`);
  }

  function answerBody(answer) {
    const made = element("div", "answer arm-" + answer.v.split(".")[0]);
    made.setAttribute("role", "group");
    const seed = answer.s === undefined ? "" : `, seed ${answer.s}`;
    const heading = element("h3", "", data.variants[answer.v] + seed);
    made.setAttribute("aria-label", heading.textContent);
    made.append(heading);
    if (answer.r) {
      const role = element("div", "role");
      role.append(element("span", "label", "Role prompt, written by the model"), answer.r);
      made.append(role);
    }
    const notes = [];
    if (answer.f !== undefined) {
      made.append(element("div", "text", answer.o || "(nothing)"));
      if (!answer.f) notes.push("cut off at the limit of tokens");
      notes.push(answer.w === undefined ? "no answer could be read" : `read as: ${answer.w}`);
    }
    if (answer.l !== undefined) notes.push(`likeliest letter: ${answer.l}`);
    if (answer.z !== undefined) notes.push(`likeliest text: ${answer.z}`);
    const line = element("p", "note", notes.join("; ") + ". ");
    line.append(verdict(answer.v, answer));
    made.append(line);
    return made;
  }

  function body(item) {
    const made = element("div", "body");
    made.append(element("p", "question", item.q));
    if (item.c) {
      const choices = element("ol", "choices");
      choices.append(...item.c.map((choice) => element("li", "", choice)));
      made.append(choices);
    }
    if (item.t) made.append(element("p", "target", "Right answer: " + item.t));
    const answers = element("div", "answers");
    answers.append(...item.a.map(answerBody));
    made.append(answers);
    return made;
  }

  function row(item) {
    const details = element("details");
    details.dataset.id = item.id;
    const summary = element("summary");
    const marks = element("span", "marks");
    for (const variant of ["standard", "role"]) {
      const answer = answerOf(item, variant);
      if (answer) marks.append(verdict(variant, answer), " ");
    }
    const where = [data.benchmarks[item.b], item.d, item.g && item.g.replaceAll("_", " "), item.id];
    summary.append(
      element("span", "snippet", item.q.replace(/\s+/g, " ").slice(0, 200)),
      marks,
      element("span", "where", where.filter(Boolean).join(" \u00b7 ")),
    );
    details.append(summary);
    // What is inside is built when it is first opened.
    details.addEventListener("toggle", () => {
      if (details.open && !details.querySelector(".body")) details.append(body(item));
    });
    const made = element("li");
    made.append(details);
    return made;
  }

  function showMore() {
    list.append(...found.slice(shown, shown + BATCH).map(row));
    shown = Math.min(shown + BATCH, found.length);
    more.hidden = shown === found.length;
  }

  function update() {
    found = data.items.filter(matches);
    shown = 0;
    list.replaceChildren();
    const all = data.items.filter((item) => item.m === model.value).length;
    count.textContent = `${found.length.toLocaleString("en")} of ${all.toLocaleString("en")} questions`;
    showMore();
  }

  function verdictFilter(variant) {
    const label = element("label", "", data.variants[variant] + " ");
    const select = element("select");
    select.dataset.variant = variant;
    fill(select, [["", "any"], ["right", "right"], ["wrong", "wrong"], ["none", "no score"]]);
    label.append(select);
    return label;
  }

  fill(model, data.models.map((name) => [name, name]));
  model.parentElement.hidden = data.models.length < 2;
  fill(benchmark, [["", "all"], ...Object.entries(data.benchmarks)]);
  verdicts.append(...["base", "standard", "role"].filter((each) => each in data.variants).map(verdictFilter));
  fillGroups();
  update();

  let waiting;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  byId("filters").addEventListener("change", (event) => {
    // The search comes when the field is left for an item, and drawing the list anew would take that item away.
    if (event.target === search) return;
    if (event.target === model || event.target === benchmark) fillGroups();
    update();
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => setTimeout(() => { fillGroups(); update(); }));
  more.addEventListener("click", () => {
    const next = shown;
    showMore();
    list.children[next].querySelector("summary").focus();
  });
})();
