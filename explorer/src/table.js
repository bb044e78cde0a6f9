// The rows as a table: those that are shown, selected or marked, in pages.

import { button, choice, count_of, field, h, number } from "./dom.js";
import { CHOSEN } from "./store.js";

const PAGE = 50;

export class Table {
  constructor(store) {
    this.store = store;
    this.page = 0;
    this.which = "shown";
    this.columns = this.columnsOf(store.data);
    // of label issues, the most suspect labels come first
    const quality = this.columns.find((column) => column.name === "label_quality");
    this.sort = quality ? { column: quality, name: quality.name, down: false } : { name: "row", down: false };
    this.which_select = choice([["shown", "shown rows"], ["selected", "selected rows"], ["marked", "marked rows"]], (value) => { this.which = value; this.page = 0; this.refresh(); });
    this.caption = h("span", { class: "sc-note" });
    this.head = h("tr");
    this.body = h("tbody");
    this.table = h("table", { class: "sc-table", "aria-label": "Rows" }, h("thead", {}, this.head), this.body);
    this.previous = button("Previous", () => this.turn(-1));
    this.next = button("Next", () => this.turn(1));
    this.scroll = h("div", { class: "sc-scroll", tabindex: "0", role: "region", "aria-label": "Rows of this page" }, this.table);
    this.element = h("section", { class: "sc-rows", "aria-label": "Table of rows" },
      h("div", { class: "sc-row" }, h("h2", { text: "Rows" }), field("Table of", this.which_select), this.caption, h("span", { class: "sc-space" }), this.previous, this.next),
      this.scroll);
    this.body.addEventListener("click", (event) => this.click(event));
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.drawHead();
    store.on("shown marks", () => this.later());
    store.on("epoch", () => { if (this.sort.column?.drawn) this.later(); else this.drawBody(); });
    store.on("chosen", () => {
      const wanted = store.chosenCount ? "selected" : "shown";
      if (!store.keepTable && this.had !== (store.chosenCount > 0)) { this.which = this.which_select.value = wanted; this.page = 0; }
      this.had = store.chosenCount > 0;
      this.later();
    });
    store.on("current", () => this.showCurrent());
  }

  columnsOf(data) {
    const columns = [{ name: "row", value: (row) => row, numeric: true }];
    if (data.ids) columns.push({ name: "id", value: (row) => data.ids.get(row) });
    if (data.labels) columns.push({ name: "label", value: (row) => data.classes[data.labels[row]][1] });
    if (data.suggested) columns.push({ name: "suggested", value: (row) => data.classes[data.suggested[row]][1] });
    if (data.labels) columns.push({ name: "new label", value: (row) => { const code = this.store.marks.labels.get(row); return code === undefined ? null : data.classes[code][1]; } });
    columns.push({ name: "region", value: (row) => data.regionNames[data.regions[row]] });
    for (const name of ["confidence", "variability", "correctness"]) columns.push({ name, value: (row) => this.store.values(name)[row], numeric: true, drawn: true });
    if (data.statistics.has("label_quality")) columns.push({ name: "label_quality", value: (row) => data.statistics.get("label_quality")[row], numeric: true });
    columns.push({ name: "checked", value: (row) => (this.store.marks.checked.has(row) ? "✓" : null) });
    return columns;
  }

  // Columns of what is read after the first drawing.
  addRowColumns() {
    this.columns = this.columnsOf(this.store.data);
    if (this.sort.column) this.sort.column = this.columns.find((column) => column.name === this.sort.name);
    const { data } = this.store;
    if (data.text) this.columns.push({ name: "text", value: (row) => data.text.get(row), long: true });
    for (const column of data.columns.slice(0, 6)) this.columns.push({ name: column.name, value: column.get, numeric: column.kind === "number" });
    this.drawHead();
    this.refresh();
  }

  drawHead() {
    this.head.replaceChildren(h("th", { scope: "col" }, h("span", { class: "sc-hidden", text: "selected" })), ...this.columns.map((column) => {
      const isSorted = this.sort.column ? this.sort.column === column : column === this.columns[0];
      return h("th", { scope: "col", class: column.numeric ? "sc-num" : null, "aria-sort": isSorted ? (this.sort.down ? "descending" : "ascending") : "none" },
        button(`${column.name.length > 24 ? `${column.name.slice(0, 23)}…` : column.name}${isSorted ? (this.sort.down ? " ▾" : " ▴") : ""}`, () => this.sortBy(column), { class: "sc-sort" }));
    }));
  }

  sortBy(column) {
    this.sort = { column, name: column.name, down: this.sort.column === column && !this.sort.down };
    this.page = 0;
    this.drawHead();
    this.refresh();
  }

  later() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => { this.pending = 0; this.refresh(); });
  }

  refresh() {
    const { store } = this;
    const marked = (row) => store.marks.checked.has(row) || store.marks.labels.has(row);
    if (this.which === "selected") this.rows = store.chosenRows();
    else if (this.which === "marked") this.rows = [...new Set([...store.marks.checked, ...store.marks.labels.keys()])].filter(marked).sort((a, b) => a - b);
    else this.rows = store.shownRows();
    const { column, down } = this.sort;
    if (column && column !== this.columns[0]) this.rows = sorted(this.rows, column, down);
    else if (down) this.rows.reverse();
    const pages = Math.max(1, Math.ceil(this.rows.length / PAGE));
    this.page = Math.min(this.page, pages - 1);
    this.caption.textContent = `${count_of(this.rows.length)} rows, page ${count_of(this.page + 1)} of ${count_of(pages)}`;
    this.previous.disabled = this.page === 0;
    this.next.disabled = this.page >= pages - 1;
    this.drawBody();
  }

  turn(step) {
    this.page += step;
    this.refresh();
  }

  drawBody() {
    const { store, page } = this;
    if (!this.rows) return;
    const shown = this.rows.slice(page * PAGE, (page + 1) * PAGE);
    const stop = shown.includes(store.current) ? store.current : shown[0];
    this.body.replaceChildren(...shown.map((row) => {
      const box = h("input", { type: "checkbox", "aria-label": `select row ${row}`, tabindex: "-1" });
      box.checked = (store.state[row] & CHOSEN) !== 0;
      return h("tr", { "data-row": row, tabindex: row === stop ? "0" : "-1", "aria-current": row === store.current ? "true" : null },
        h("td", {}, box), ...this.columns.map((column) => cell(column, row)));
    }));
  }

  showCurrent() {
    const { store } = this;
    const at = this.rows ? this.rows.indexOf(store.current) : -1;
    if (at >= 0 && Math.floor(at / PAGE) !== this.page) { this.page = Math.floor(at / PAGE); this.refresh(); }
    for (const line of this.body.children) {
      const is = Number(line.dataset.row) === store.current;
      if (is) { line.setAttribute("aria-current", "true"); this.scrollTo(line); } else line.removeAttribute("aria-current");
      if (at >= 0) line.tabIndex = is ? 0 : -1;
    }
  }

  // Scrolls the table alone, not the page.
  scrollTo(line) {
    const box = this.scroll, top = line.offsetTop - this.head.offsetHeight, bottom = line.offsetTop + line.offsetHeight - box.clientHeight;
    if (box.scrollTop > top) box.scrollTop = top;
    else if (box.scrollTop < bottom) box.scrollTop = bottom;
  }

  click(event) {
    const line = event.target.closest("tr");
    if (!line) return;
    const row = Number(line.dataset.row);
    if (event.target.type === "checkbox") { this.toggle(row); return; }
    this.store.setCurrent(row);
  }

  toggle(row) {
    this.store.keepTable = true;
    this.store.choose([row], "toggle");
    this.store.keepTable = false;
  }

  key(event) {
    const line = event.target.closest("tr");
    if (!line || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = Number(line.dataset.row), at = this.rows.indexOf(row);
    const go = (to) => {
      if (to < 0 || to >= this.rows.length) return;
      if (event.shiftKey) { this.store.keepTable = true; this.store.choose([row, this.rows[to]], "add"); this.store.keepTable = false; }
      this.store.setCurrent(this.rows[to]);
      requestAnimationFrame(() => this.body.querySelector(`tr[data-row="${this.rows[to]}"]`)?.focus());
    };
    if (event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowUp") go(at - 1);
    else if (event.key === "PageDown") go(Math.min(this.rows.length - 1, at + PAGE));
    else if (event.key === "PageUp") go(Math.max(0, at - PAGE));
    else if (event.key === " ") this.toggle(row);
    else if (event.key === "Enter") { this.store.setCurrent(row); this.onOpen?.(); }
    else return;
    event.preventDefault();
  }
}

function cell(column, row) {
  const value = column.value(row);
  const text = value === null || value === undefined ? "" : column.numeric ? number(value) : value;
  return h("td", { class: column.numeric ? "sc-num" : column.long ? "sc-long" : null, text: text.length > 300 ? `${text.slice(0, 300)}…` : text });
}

function sorted(rows, column, down) {
  const sign = down ? -1 : 1;
  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  const keys = new Map(rows.map((row) => [row, column.value(row)]));
  return rows.sort((a, b) => {
    const x = keys.get(a), y = keys.get(b);
    if (missing(x) || missing(y)) return missing(x) - missing(y) || a - b; // last, either way
    return sign * (x < y ? -1 : x > y ? 1 : 0) || a - b;
  });
}
