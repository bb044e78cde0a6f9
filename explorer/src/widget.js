// Entry of the widget: the bytes and the indices of selected rows are traits of the model.

import { start } from "./app.js";

async function render({ model, el }) {
  const root = document.createElement("div");
  root.classList.add("sc-widget");
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take keys for its own
  el.append(root);
  const view = model.get("_payload");
  const bytes = new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);
  const app = await start(root, bytes);
  root.explorer = app;
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
  return () => model.off("change:indices", take);
}

export default { render };
