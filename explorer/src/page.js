// Entry of the HTML file: reads the bytes that the page holds.

import { start } from "./app.js";
import { fromCharacters } from "./container.js";

const root = document.getElementById("sc-root");
const holder = document.getElementById("sc-payload");
const bytes = fromCharacters(holder.textContent);
holder.remove();
start(root, bytes).then((app) => { root.explorer = app; }, (error) => {
  const line = document.createElement("p");
  line.textContent = `The map could not be shown: ${error.message}`;
  root.replaceChildren(line);
});
