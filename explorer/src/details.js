// The row that is pointed at or current: what it is, and what is done with it.

import { button, h, number, uid } from "./dom.js";

const OPTIONS = 200; // labels that are offered at a time

export class Pictures {
  constructor(store) {
    this.store = store;
  }

  // An image of a row in `holder`; the one before it is let go.
  show(holder, row, alt) {
    holder.querySelectorAll("img").forEach((img) => URL.revokeObjectURL(img.src));
    holder.replaceChildren();
    const blob = this.store.data.thumbnails?.blob(row);
    holder.hidden = !blob;
    if (blob) holder.append(h("img", { src: URL.createObjectURL(blob), alt, class: "sc-picture" }));
  }
}

export function tip(store, pictures) {
  return (row, map) => {
    if (row < 0) return;
    const { data } = store;
    const parts = [h("strong", { text: title(data, row) })];
    const picture = h("div");
    pictures.show(picture, row, "");
    parts.push(picture);
    const label = (name, codes) => h("div", { class: "sc-clip" }, `${name} `, h("span", { text: data.classes[codes[row]][1] }));
    if (data.labels) parts.push(label("label", data.labels));
    if (data.suggested) parts.push(label("suggested", data.suggested));
    const text = data.text?.get(row);
    if (text) parts.push(h("div", { class: "sc-clip", text: text.slice(0, 240) }));
    const drawn = map.source.drawn();
    parts.push(h("div", { class: "sc-note", text: `confidence ${number(drawn.y[row])}, variability ${number(drawn.x[row])}, correctness ${number(drawn.c[row])}` }));
    map.tip.querySelectorAll("img").forEach((img) => URL.revokeObjectURL(img.src));
    map.tip.replaceChildren(...parts);
  };
}

const title = (data, row) => (data.ids && ![null, String(row)].includes(data.ids.get(row)) ? `row ${row}, ${data.ids.get(row)}`.slice(0, 120) : `row ${row}`);

export class Details {
  constructor(store, pictures) {
    this.store = store;
    this.pictures = pictures;
    this.heading = h("h2", { text: "Row" });
    this.picture = h("div", { hidden: true });
    this.text = h("div", { class: "sc-text", hidden: true, tabindex: "0", role: "region", "aria-label": "Text of the row" });
    this.facts = h("dl", { class: "sc-facts" });
    this.actions = h("div", { class: "sc-actions" });
    this.element = h("section", { class: "sc-details", "aria-label": "Row" }, this.heading, this.picture, this.text, this.actions, this.facts);
    this.buildActions();
    store.on("current epoch marks", () => this.draw());
    store.on("chosen", () => this.drawActions());
    this.draw();
  }

  buildActions() {
    const { store } = this;
    const { data } = store;
    this.list = h("datalist", { id: uid("labels") });
    this.input = h("input", { list: this.list.id, id: uid("relabel"), class: "sc-relabel", autocomplete: "off", spellcheck: "false" });
    this.byText = new Map();
    data.classes.forEach(([key, name], code) => { if (!this.byText.has(key)) this.byText.set(key, code); });
    data.classes.forEach(([, name], code) => this.byText.set(name, code));
    // a field of one line holds no breaks
    for (const [text, code] of [...this.byText]) { const line = text.replace(/[\r\n]/g, ""); if (!this.byText.has(line)) this.byText.set(line, code); }
    this.input.addEventListener("input", () => this.offer());
    this.input.addEventListener("keydown", (event) => { if (event.key === "Enter") this.relabel(this.rowsOfOne()); });
    this.checked = h("input", { type: "checkbox", id: uid("checked") });
    this.checked.addEventListener("change", () => store.mark(this.rowsOfOne(), { checked: this.checked.checked }));
    this.accept = button("Take suggestion", () => this.takeSuggestion(this.rowsOfOne()));
    this.undo = button("Undo", () => store.mark(this.rowsOfOne(), { label: null }));
    this.problem = h("p", { class: "sc-problem", role: "alert" });
    const rows = data.labels ? [h("div", { class: "sc-row" }, h("label", { for: this.input.id, text: "New label" }), this.input, this.list, button("Relabel", () => this.relabel(this.rowsOfOne())), data.suggested ? this.accept : null, this.undo)] : [];
    rows.push(h("div", { class: "sc-row" }, this.checked, h("label", { for: this.checked.id, text: "checked" })));
    this.one = h("div", {}, ...rows);
    this.many_note = h("span", {});
    this.many = h("div", { class: "sc-row sc-many" }, this.many_note,
      data.labels ? button("Relabel selected", () => this.relabel(store.chosenRows())) : null,
      data.suggested ? button("Take suggestions", () => this.takeSuggestion(store.chosenRows())) : null,
      button("Check selected", () => store.mark(store.chosenRows(), { checked: true })),
      button("Uncheck selected", () => store.mark(store.chosenRows(), { checked: false })));
    this.actions.append(this.one, this.problem, this.many);
    this.offer();
  }

  rowsOfOne() {
    return this.store.current < 0 ? [] : [this.store.current];
  }

  offer() {
    const wanted = this.input.value.toLowerCase(), options = [];
    for (const [, name] of this.store.data.classes) {
      if (wanted && !name.toLowerCase().includes(wanted)) continue;
      options.push(h("option", { value: name }));
      if (options.length === OPTIONS) break;
    }
    this.list.replaceChildren(...options);
  }

  relabel(rows) {
    const code = this.byText.get(this.input.value);
    this.problem.textContent = "";
    if (code === undefined) {
      this.problem.textContent = `“${this.input.value.slice(0, 60)}” is no label of this map.`;
      return;
    }
    this.store.mark(rows, { label: code });
    this.store.say(`${rows.length} rows relabelled`);
  }

  takeSuggestion(rows) {
    this.store.mark(rows, { label: (row) => this.store.data.suggested[row] });
    this.store.say(`${rows.length} suggestions taken`);
  }

  open() {
    if (this.store.data.labels) this.input.focus();
    else this.checked.focus();
  }

  drawActions() {
    const { store } = this;
    this.one.hidden = store.current < 0;
    this.many.hidden = store.chosenCount === 0;
    this.many_note.textContent = `${store.chosenCount.toLocaleString("en-US")} selected:`;
    if (store.current < 0) return;
    const row = store.current, code = store.marks.labels.get(row);
    this.checked.checked = store.marks.checked.has(row);
    this.undo.hidden = code === undefined;
    this.accept.hidden = !store.data.suggested || store.data.suggested[row] === store.data.labels[row];
  }

  draw() {
    const { store } = this;
    const { data, current: row } = store;
    this.drawActions();
    if (row < 0) {
      this.heading.textContent = "Row";
      this.facts.replaceChildren(h("dd", { class: "sc-note", text: "Point at a row of the map or the table, or move with the arrow keys." }));
      this.text.hidden = this.picture.hidden = true;
      this.shown = -1;
      return;
    }
    this.heading.textContent = title(data, row);
    if (this.shown !== row) {
      this.pictures.show(this.picture, row, `image of row ${row}`);
      const text = data.text?.get(row);
      this.text.hidden = !text;
      this.text.textContent = text ?? "";
      this.problem.textContent = "";
      this.input.value = "";
      this.shown = row;
      this.offer();
    }
    this.facts.replaceChildren();
    const add = (name, value) => this.facts.append(h("dt", { text: name.slice(0, 200) }), h("dd", { text: value }));
    const name = (code) => data.classes[code][1];
    if (data.labels) add("given label", name(data.labels[row]));
    if (data.suggested) add("suggested label", name(data.suggested[row]));
    if (store.marks.labels.has(row)) add("new label", name(store.marks.labels.get(row)));
    if (data.suspect) add("label issue", data.suspect[row] ? "suspect" : "not suspect");
    add("region", data.regionNames[data.regions[row]]);
    const facts = [];
    if (data.heldOut?.[row]) facts.push("held out");
    if (data.excluded?.[row]) facts.push("excluded");
    if (!data.seen[row]) facts.push("not recorded");
    if (facts.length) add("training", facts.join(", "));
    for (const statistic of data.statistics.keys()) add(statistic, number(store.values(statistic)[row]));
    if (data.compare) for (const [key, text] of [["y", "confidence"], ["x", "variability"], ["c", "correctness"]]) add(`${text}, second map`, number(store.drawnMaps[1][key][row]));
    for (const column of data.columns) {
      const value = column.get(row);
      add(column.name, value === null ? "–" : column.kind === "number" ? String(value) : value);
    }
  }
}
