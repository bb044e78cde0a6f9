// Filters by search, label, region, statistics, training, suspicion and marks.

import { button, choice, count_of, field, h, uid } from "./dom.js";
import { rangeFields } from "./histograms.js";
import { search } from "./search.js";

const MOST = 12; // labels that are listed; others are found by typing

export function filters(store) {
  const { data } = store;
  const panel = h("section", { class: "sc-filters", "aria-label": "Filters" });
  panel.append(h("div", { class: "sc-row" }, h("h2", { text: "Filters" }), button("Clear filters", () => store.clearFilters(), { class: "sc-small" })));
  panel.append(searchField(store));
  if (data.labels) panel.append(labelList(store));
  panel.append(regionList(store));
  panel.append(statisticRanges(store));
  const selects = [];
  const add = (name, text, options) => {
    const select = choice(options, (value) => store.setFilter(name, value));
    selects.push(select);
    panel.append(field(text, select));
  };
  const training = [["all", "all rows"], ["trained", "trained on"]];
  if (data.heldOut) training.push(["held out", "held out"]);
  if (data.seen.includes(0)) training.push(["not recorded", "not recorded"]);
  if (data.excluded) training.push(["excluded", "excluded"]);
  if (training.length > 2) add("training", "Training", training);
  if (data.suspect) add("suspect", "Label issues", [["all", "all rows"], ["suspect", "suspect"], ["not suspect", "not suspect"]]);
  add("marks", "Marks", [["all", "all rows"], ["checked", "checked"], ["not checked", "not checked"], ["relabelled", "relabelled"]]);
  store.on("cleared", () => selects.forEach((select) => { select.value = "all"; }));
  return panel;
}

function searchField(store) {
  const input = h("input", { type: "search", placeholder: "id, text, label or #row", spellcheck: "false", autocomplete: "off", class: "sc-search" });
  const result = h("p", { class: "sc-note" });
  let run = 0, timer = 0;
  const start = async () => {
    const mine = ++run;
    const found = await search(store.data, input.value, () => run !== mine);
    if (run !== mine) return;
    store.found = found?.mask ?? null;
    result.textContent = found ? `${count_of(found.count)} rows match` : "";
    store.refilter();
    if (found) store.say(result.textContent);
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(start, 150); });
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") { clearTimeout(timer); start(); } });
  store.on("cleared", () => { run++; input.value = ""; result.textContent = ""; });
  const element = field("Search", input);
  element.append(result);
  return element;
}

function checkbox(text, checked, onChange) {
  const input = h("input", { type: "checkbox", id: uid("check"), on: { change: () => onChange(input.checked) } });
  input.checked = checked;
  return h("li", {}, input, h("label", { for: input.id, text }));
}

function labelList(store) {
  const { classes, counts } = store.data;
  const order = [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b);
  const find = h("input", { type: "search", placeholder: `find one of ${count_of(classes.length)} labels`, "aria-label": "Find a label", autocomplete: "off" });
  const list = h("ul", { class: "sc-list" });
  const draw = () => {
    const wanted = find.value.toLowerCase(), chosen = store.filters.labels;
    const hits = [];
    for (const code of order) {
      if (wanted && !classes[code][1].toLowerCase().includes(wanted) && !classes[code][0].toLowerCase().includes(wanted)) continue;
      hits.push(code);
      if (hits.length > MOST) break;
    }
    const listed = [...new Set([...chosen, ...hits.slice(0, MOST)])];
    list.replaceChildren(...listed.map((code) => checkbox(`${classes[code][1]} (${count_of(counts[code])})`, chosen.has(code), (on) => {
      const labels = new Set(store.filters.labels);
      if (on) labels.add(code); else labels.delete(code);
      store.setFilter("labels", labels);
    })));
    if (hits.length > MOST) list.append(h("li", { class: "sc-note", text: wanted ? "Type more to see other labels." : `The ${MOST} most frequent; type to find others.` }));
  };
  find.addEventListener("input", draw);
  store.on("cleared", () => { find.value = ""; draw(); });
  draw();
  return h("fieldset", {}, h("legend", { text: "Label" }), classes.length > MOST ? find : null, list);
}

function regionList(store) {
  const { regionNames, regions } = store.data;
  const counts = new Uint32Array(regionNames.length);
  for (let i = 0; i < regions.length; i++) counts[regions[i]]++;
  const list = h("ul", { class: "sc-list" });
  const draw = () => list.replaceChildren(...regionNames.slice(0, 50).map((name, code) => checkbox(`${name} (${count_of(counts[code])})`, store.filters.regions.has(code), (on) => {
    const chosen = new Set(store.filters.regions);
    if (on) chosen.add(code); else chosen.delete(code);
    store.setFilter("regions", chosen);
  })));
  store.on("cleared", draw);
  draw();
  return h("fieldset", {}, h("legend", { text: "Region" }), list);
}

// Confidence, variability and correctness have their fields below the histograms.
function statisticRanges(store) {
  const names = [...store.data.statistics.keys()].filter((name) => !["confidence", "variability", "correctness"].includes(name));
  if (!names.length) return h("span");
  const place = h("div");
  const show = (name) => place.replaceChildren(rangeFields(store, name));
  const select = choice(names.map((name) => [name, name]), show, { "aria-label": "Statistic of the range" });
  const note = h("p", { class: "sc-note" });
  const describe = () => { note.textContent = [...store.filters.ranges.keys()].filter((name) => names.includes(name)).map((name) => `${name} is limited`).join(", "); };
  store.on("ranges", describe);
  show(names[0]);
  return h("fieldset", {}, h("legend", { text: "Other statistics" }), h("div", { class: "sc-row" }, select, place), note);
}
