// Entry of the widget: the bytes and the indices of selected rows are traits of the model.

import { start } from "./app.js";

const SUPPRESS = "data-lm-suppress-shortcuts";

async function render({ model, el }) {
  const root = document.createElement("div");
  root.classList.add("sc-widget");
  el.classList.add("sc-place");
  el.append(root);
  const ending = new AbortController();
  // JupyterLab takes keys for its own unless the element that has the focus says otherwise; it looks
  // when the event is at the document. Control and S still save the notebook.
  addEventListener("keydown", (event) => {
    if (root.contains(event.target)) event.target.toggleAttribute(SUPPRESS, !event.ctrlKey && !event.metaKey);
  }, { capture: true, signal: ending.signal });
  const view = model.get("_payload");
  const app = await start(root, new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength));
  if (!app) return () => ending.abort();
  const { store } = app;
  const take = () => {
    const rows = model.get("indices"), now = store.chosenRows();
    if (rows.length !== now.length || rows.some((row, i) => row !== now[i])) store.choose(rows.filter((row) => row >= 0 && row < store.data.n));
  };
  model.on("change:indices", take);
  take();
  store.on("chosen", () => {
    const rows = store.chosenRows(), known = model.get("indices");
    if (rows.length === known.length && rows.every((row, i) => row === known[i])) return;
    model.set("indices", rows);
    model.save_changes();
  });
  return () => {
    model.off("change:indices", take);
    ending.abort();
    app.close();
  };
}

export default { render };
