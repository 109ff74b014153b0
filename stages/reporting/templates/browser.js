"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data-items").textContent);
  const BATCH = 40;
  const byId = (id) => document.getElementById(id);
  const [form, search, model, benchmark, group, outcome, order, count, list, more] =
    ["filters", "search", "model", "benchmark", "group", "outcome", "order", "count", "items", "more"].map(byId);
  let found = [];
  let shown = 0;

  function element(tag, className, ...inside) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...inside);
    return made;
  }

  function fill(select, options) {
    const before = select.value;
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    if (options.some(([value]) => value === before)) select.value = before;
  }

  const readable = (name) => name.replaceAll("_", " ");
  // The first seed's answer speaks for a variant in filters, in the order and in the list.
  const answerOf = (item, variant) => item.a.find((answer) => answer.v === variant);
  const scoreOf = (item, variant) => answerOf(item, variant)?.x;

  // Each item's text is put in lower case once: a search over all items then takes milliseconds.
  data.items.forEach((item, place) => {
    const answers = item.a.flatMap((answer) => [answer.r || "", answer.o || ""]);
    item.text = [item.id, item.q, ...(item.c || []), ...answers].join("\n").toLowerCase();
    item.place = place;
    const [standard, role] = [scoreOf(item, "standard"), scoreOf(item, "role")];
    item.scored = standard !== undefined && role !== undefined;
    item.differs = item.scored && standard !== role;
  });

  const OUTCOMES = {
    "": () => true,
    differ: (item) => item.differs,
    role: (item) => item.scored && scoreOf(item, "role") > scoreOf(item, "standard"),
    standard: (item) => item.scored && scoreOf(item, "standard") > scoreOf(item, "role"),
    both: (item) => item.scored && scoreOf(item, "standard") === 1 && scoreOf(item, "role") === 1,
    neither: (item) => item.scored && scoreOf(item, "standard") === 0 && scoreOf(item, "role") === 0,
  };
  const ORDERS = {
    asked: (one, other) => one.place - other.place,
    differ: (one, other) => other.differs - one.differs || one.place - other.place,
    subject: (one, other) => (one.g || "").localeCompare(other.g || "") || one.place - other.place,
  };

  function fillGroups() {
    const items = data.items.filter((item) => item.m === model.value && (!benchmark.value || item.b === benchmark.value));
    const names = (key) => [...new Set(items.map((item) => item[key]).filter(Boolean))].sort();
    fill(group, [
      ["", "all"],
      ...names("d").map((name) => ["d:" + name, name]),
      ...names("g").map((name) => ["g:" + name, "\u00a0\u00a0" + readable(name)]),
    ]);
  }

  function matches(item) {
    return item.m === model.value
      && (!benchmark.value || item.b === benchmark.value)
      && (!group.value || item[group.value[0]] === group.value.slice(2))
      && OUTCOMES[outcome.value](item)
      && search.value.toLowerCase().split(/\s+/).every((word) => item.text.includes(word));
  }

  function verdict(answer) {
    const kind = answer.x === undefined ? "none" : answer.x === 1 ? "right" : "wrong";
    const part = answer.x > 0 && answer.x < 1 ? `${Math.round(100 * answer.x)}%` : null;
    const words = { right: "\u2713 right", wrong: "\u2717 wrong", none: "\u2013 no score" };
    return element("span", `mark is-${kind}`, `${data.variants[answer.v]}: ${part || words[kind]}`);
  }

  // Fenced code stands in `pre`, also where the answer was cut off before the fence's end.
  function prose(text) {
    const pieces = text.split(/```[^\n`]*\n([\s\S]*?)(?:```|$)/);
    return pieces.map((piece, place) => [place % 2, piece]).filter(([, piece]) => piece.trim())
      .map(([code, piece]) => code ? element("pre", "", element("code", "", piece)) : element("div", "text", piece.trim()));
  }

  function answerBody(answer) {
    const heading = data.variants[answer.v] + (answer.s === undefined ? "" : `, seed ${answer.s}`);
    const made = element("div", "answer arm-" + answer.v.split(".")[0], element("h3", "", heading));
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", heading);
    if (answer.r) {
      made.append(element("div", "role", element("span", "label", "Role prompt, written by the model"), answer.r));
    }
    const notes = [];
    if (answer.f !== undefined) {
      made.append(...prose(answer.o || "(nothing)"));
      if (!answer.f) notes.push("cut off at the limit of tokens");
      if (answer.w !== undefined) notes.push(`read as: ${answer.w}`);
      else if (answer.x !== undefined) notes.push("no answer could be read");
    }
    if (answer.l !== undefined) notes.push(`likeliest letter: ${answer.l}`);
    if (answer.z !== undefined) notes.push(`likeliest text: ${answer.z}`);
    const line = element("p", "note", notes.length ? notes.join("; ") + ". " : "");
    if (answer.x !== undefined) line.append(verdict(answer));
    made.append(line);
    return made;
  }

  function body(item) {
    const question = item.p ? element("pre", "", element("code", "", item.q.trim())) : element("p", "question", item.q);
    const link = element("a", "", "Link to this item");
    link.href = "#" + item.id;
    const made = element("div", "body", element("p", "note", link), question);
    if (item.c) made.append(element("ol", "choices", ...item.c.map((choice) => element("li", "", choice))));
    if (item.t && item.p) made.append(element("p", "target", "A right answer:"), element("pre", "", element("code", "", item.t)));
    else if (item.t) made.append(element("p", "target", "Right answer: " + item.t));
    made.append(element("div", "answers", ...item.a.map(answerBody)));
    if (item.j) made.append(element("ul", "judged", ...item.j.map((said) => element("li", "", said))));
    return made;
  }

  function row(item) {
    const where = [data.benchmarks[item.b], item.d, item.g && readable(item.g), item.id].filter(Boolean).join(" \u00b7 ");
    const marks = ["standard", "role"].map((each) => answerOf(item, each)).filter((each) => each && each.x !== undefined);
    const details = element("details", "", element("summary", "",
      element("span", "snippet", item.q.replace(/\s+/g, " ").slice(0, 200)),
      element("span", "marks", ...marks.map(verdict)),
      element("span", "where", where),
    ));
    // What is inside is built when it is first opened; the address then leads back to it.
    details.addEventListener("toggle", () => {
      if (!details.open) return;
      if (!details.querySelector(".body")) details.append(body(item));
      history.replaceState(null, "", "#" + item.id);
    });
    const made = element("li", "", details);
    made.dataset.id = item.id;
    return made;
  }

  function showMore(until = shown + BATCH) {
    list.append(...found.slice(shown, until).map(row));
    shown = Math.max(shown, Math.min(until, found.length));
    more.hidden = shown === found.length;
  }

  function update() {
    found = data.items.filter(matches).sort(ORDERS[order.value]);
    shown = 0;
    list.replaceChildren();
    const all = data.items.filter((item) => item.m === model.value).length;
    count.textContent = `${found.length.toLocaleString("en")} of ${all.toLocaleString("en")} questions`;
    showMore();
  }

  function reset() {
    form.reset();
    fillGroups();
    update();
  }

  // Opens one item alone.
  function open(place) {
    if (!found[place]) return;
    showMore(Math.max(shown, place + 1));
    for (const other of list.querySelectorAll("details[open]")) other.open = false;
    const details = list.children[place].querySelector("details");
    details.open = true;
    details.querySelector("summary").focus({ preventScroll: true });
    details.scrollIntoView();
  }

  function openNamed() {
    const id = decodeURIComponent(location.hash.slice(1));
    const named = data.items.find((item) => item.id === id && item.m === model.value)
      || data.items.find((item) => item.id === id);
    if (!named) return;
    if (!found.includes(named)) {
      reset();
      model.value = named.m;
      update();
    }
    open(found.indexOf(named));
  }

  const STEPS = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 };
  document.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const inside = list.contains(document.activeElement);
    if (!step || !inside || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const here = [...list.children].indexOf(document.activeElement.closest("li[data-id]"));
    open(list.children[here].querySelector("details").open ? here + step : here);
  });

  fill(model, data.models.map((name) => [name, name]));
  model.parentElement.hidden = data.models.length < 2;
  fill(benchmark, [["", "all"], ...Object.entries(data.benchmarks)]);
  reset();
  openNamed();

  let waiting;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  form.addEventListener("change", (event) => {
    // The search comes when the field is left for an item, and drawing the list anew would take that item away.
    if (event.target === search) return;
    if (event.target === model || event.target === benchmark) fillGroups();
    update();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", reset);
  window.addEventListener("hashchange", openNamed);
  more.addEventListener("click", () => {
    const next = shown;
    showMore();
    list.children[next].querySelector("summary").focus();
  });
})();
