"use strict";
// Fills the page: each panel from the data in the page, or from the server when it comes into view.
(() => {
  const { book, answers, root, language, currency, promises, troubles } = JSON.parse(document.getElementById("given").textContent);
  const say = (key, values = {}) =>
    book.sentences[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const named = name => book.columns[name] || String(name).replaceAll("_", " ");
  const worded = value => (typeof value === "string" && book.values[value]) || value;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
  const money = new Intl.NumberFormat(language, { style: "currency", currency });
  const round = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
  const day = /^\d{4}-\d\d-\d\d/;
  const shown = value => value === null ? "" : typeof value === "number" ? number.format(value)
    : typeof value === "boolean" ? (value ? "✓" : "–") : String(worded(value));

  // An element with text; text is never read as HTML.
  function make(tag, { text, ...rest } = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(rest)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    element.append(...children);
    return element;
  }

  function table(columns, rows, title) {
    const numeric = columns.map((_, at) => rows.some(row => typeof row[at] === "number"));
    const head = make("tr", {}, ...columns.map((name, at) =>
      make("th", { scope: "col", text: named(name), class: numeric[at] ? "number" : "text" })));
    const body = rows.map(row => make("tr", {}, ...row.map((value, at) =>
      make("td", { text: shown(value), class: numeric[at] ? "number" : day.test(value) ? "day" : "text" }))));
    const whole = make("table", {}, make("caption", { text: title }), make("thead", {}, head), make("tbody", {}, ...body));
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, whole);
  }

  function proof(answer, title, rows) {
    const parts = [make("summary", { text: say("behind") })];
    if (answer.chart.kind !== "table") parts.push(table(answer.columns, rows, title));
    parts.push(make("pre", { tabindex: "0", "aria-label": say("query") }, make("code", { text: answer.sql })));
    return make("details", {}, ...parts);
  }

  function choosers(answer, redraw) {
    const chosen = {};
    const boxes = answer.chart.choose.map(column => {
      const at = answer.columns.indexOf(column);
      const values = [...new Set(answer.rows.map(row => row[at]))];
      chosen[column] = values[0];
      const box = make("select", {}, ...values.map(value => make("option", { value: String(value), text: shown(value) })));
      box.addEventListener("change", () => { chosen[column] = values[box.selectedIndex]; redraw(); });
      return make("label", { text: say("choose", { column: named(column) }) + " " }, box);
    });
    const kept = () => answer.rows.filter(row =>
      answer.chart.choose.every(column => row[answer.columns.indexOf(column)] === chosen[column]));
    return { boxes, kept };
  }

  function cards(answer, rows, content) {
    const at = name => answer.columns.indexOf(name);
    let stage = null, place = null;
    content.replaceChildren();
    for (const row of rows) {
      if (row[at("stage")] !== stage) {
        stage = row[at("stage")];
        place = make("div", { class: "cards-of-stage" });
        content.append(make("h4", { text: worded(stage) }), place);
      }
      place.append(card(row, at));
    }
    for (const line of content.querySelectorAll(".line")) Charts.draw(line, Charts.spark(JSON.parse(line.dataset.values)));
  }

  // A figure with its interval, target and line; what a company does not give, or a small sample lacks, is left out.
  function card(row, at) {
    const given = name => (at(name) < 0 ? null : row[at(name)]), of = given("unit"), value = given("value");
    const one = make("div", { class: given("alert") ? "card off" : "card" },
      make("h5", { text: given("kpi") }),
      make("b", { text: value === null ? "–" : unit(value, of) }));
    const add = (text, kind = "") => one.append(make("small", { text, class: kind }));
    if (value === null) add(say(given("reason") === "no_source" ? "no_dataset" : "no_value"));
    if (given("low") !== null && given("high") !== null) add(`${unit(given("low"), of)} – ${unit(given("high"), of)}`);
    if (given("target") !== null) add(say("target", { value: unit(given("target"), of) }));
    if (given("alert")) add(say("alert"), "mark");
    if (given("small")) add(say("small"), "few");
    one.append(make("div", { class: "line", "aria-hidden": "true", "data-values": given("series") }));
    return one;
  }

  function unit(value, of) {
    if (of === "share") return number.format(Math.round(value * 1000) / 10) + " %";
    if (of === "currency") return money.format(value);
    return Math.abs(value) < 1000 ? round.format(value) : number.format(Math.round(value));
  }

  // Numbers that nobody can tell yet: the table has the words for it.
  function nothingToDraw({ chart, columns, rows }) {
    return chart.kind === "bars" && rows.every(row => chart.y.every(name => row[columns.indexOf(name)] === null));
  }

  // How many bars a choice has at most.
  function most({ chart, columns, rows }) {
    const of = row => JSON.stringify(chart.choose.map(name => row[columns.indexOf(name)])), counts = new Map();
    for (const row of rows) counts.set(of(row), (counts.get(of(row)) || new Set()).add(row[columns.indexOf(chart.x)]));
    return Math.max(...[...counts.values()].map(one => one.size));
  }

  function fill(panel, answer) {
    const content = panel.querySelector(".content"), title = book.panels[answer.name].title;
    content.replaceChildren();
    if (answer.missing.length)
      return content.append(make("p", { class: "empty", text: say("no_source", { tables: answer.missing.join(", ") }) }));
    if (!answer.rows.length) content.append(make("p", { class: "empty", text: say("no_rows") }));
    else if (answer.chart.kind === "cards") {
      const place = make("div"), { boxes, kept } = choosers(answer, () => cards(answer, kept(), place));
      content.append(make("div", { class: "choosers" }, ...boxes), place);
      cards(answer, kept(), place);
    }
    else if (answer.chart.kind === "table") content.append(table(answer.columns, answer.rows, title));
    else if (nothingToDraw(answer)) {
      const filled = answer.columns.map((_, at) => at).filter(at => answer.rows.some(row => row[at] !== null));
      const only = list => filled.map(at => list[at]);
      panel.classList.add("table");
      content.append(table(only(answer.columns), answer.rows.map(only), title));
    }
    else {
      const place = make("div", { class: "chart", role: "img", "aria-label": title });
      const option = rows => Charts.kinds[answer.chart.kind]({ chart: answer.chart, rows, at: name => answer.columns.indexOf(name) }, book);
      const { boxes, kept } = choosers(answer, () => chart.setOption(option(kept()), true));
      if (boxes.length) content.append(make("div", { class: "choosers" }, ...boxes));
      if (answer.chart.kind === "curve") place.style.minWidth = `${kept().length * 26}px`;
      if (answer.chart.kind === "bars" && answer.chart.x !== "day") place.style.height = `${Math.max(300, most(answer) * 21 + 70)}px`;
      content.append(make("div", { class: "wide" }, place));
      const chart = Charts.draw(place, option(kept()));
      panel.dataset.drawn = "true";
    }
    if (answer.day) content.append(make("p", { class: "date", text: say("data_until", { day: answer.day }) }));
    content.append(proof(answer, title, answer.rows));
  }

  async function fetched(address) {
    const response = await fetch(root + address, { credentials: "same-origin" });
    if (response.ok) return response.json();
    const told = await response.json().catch(() => ({}));
    throw new Error(told.detail || response.statusText || response.status);
  }

  function failed(place, reason) {
    place.replaceChildren(make("p", { class: "empty", text: say("failed", { reason }) }));
  }

  function showPromises(broken) {
    const place = document.getElementById("promises"), titles = Object.entries(broken);
    place.classList.add(titles.length ? "bad" : "good");
    place.replaceChildren(say(titles.length ? "not_well" : "well"));
    if (titles.length)
      place.append(make("ul", {}, ...titles.map(([title, places]) => make("li", { text: `${title}: ${shown(places)}` }))));
  }

  // What failed or waits for somebody, above everything else: what, why, what to do.
  function showTroubles({ steps, files, under_way }) {
    const place = document.getElementById("troubles");
    const trouble = (title, why, ...todo) =>
      make("article", { class: "notice bad" }, make("h3", { text: title }), make("p", { text: why }), ...todo);
    place.replaceChildren(...steps.map(one => {
      const todo = [book.remedies[one.kind] || book.remedies.other, say(one.again ? "tried_again" : "repaired")];
      if (one.wait) todo.push(say("steps_wait", { number: one.wait }));
      return trouble(say("step_failed", { step: one.step, day: one.day }), one.why || say(one.kind ? "bug" : "killed", one),
        make("p", { text: todo.join(" ") }),
        make("p", {}, make("a", { href: `${root}../${one.log}`, target: "_top", text: say("its_log") })));
    }), ...files.map(one =>
      trouble(say("file_aside", { file: one.file, of: one.of, day: one.day }), one.why, make("p", { text: say("file_repaired") }))),
    ...(under_way ? [make("p", { class: "notice", text: say("underway", under_way) })] : []));
  }

  const panels = [...document.querySelectorAll("[data-panel]")];
  if (!root) {
    for (const panel of panels) fill(panel, answers[panel.dataset.panel]);
    if (promises) showPromises(promises);
    if (troubles) showTroubles(troubles);
  } else if (panels.length) {
    fetched("troubles").then(showTroubles).catch(error => failed(document.getElementById("troubles"), error.message));
    fetched("promises").then(showPromises).catch(error => failed(document.getElementById("promises"), error.message));
    const watch = new IntersectionObserver(seen => seen.filter(one => one.isIntersecting).forEach(one => {
      watch.unobserve(one.target);
      fetched(`panels/${one.target.dataset.panel}`).then(answer => fill(one.target, answer))
        .catch(error => failed(one.target.querySelector(".content"), error.message));
    }), { rootMargin: "300px" });
    panels.forEach(panel => watch.observe(panel));
  }

  // Airflow shows this page in a frame that may open nothing beside itself; a link of the document around it may.
  document.addEventListener("click", event => {
    const link = event.target.closest("a[target]"), around = window.parent.document;
    if (!link || around === document) return;
    event.preventDefault();
    const twin = around.createElement("a");
    Object.assign(twin, { href: link.href, target: link.target, rel: link.rel });
    around.body.append(twin);
    twin.click();
    twin.remove();
  });

  const form = document.getElementById("find");
  if (form) form.addEventListener("submit", event => {
    event.preventDefault();
    const found = document.getElementById("found"), id = new FormData(form).get("id").trim();
    found.replaceChildren(make("p", { text: say("loading") }));
    fetched(`customers/${encodeURIComponent(id)}`).then(customer => {
      const facts = Object.entries(customer.facts).flatMap(([name, value]) =>
        [make("dt", { text: named(name) }), make("dd", { text: shown(value) })]);
      found.replaceChildren(make("dl", {}, ...facts), table(customer.columns, customer.rows, book.panels.customer.title));
    }).catch(error => failed(found, error.message));
  });
})();
