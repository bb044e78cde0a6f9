// Entry of the HTML file: reads the bytes that the page holds.

import { start } from "./app.js";
import { fromCharacters } from "./container.js";

const root = document.getElementById("sc-root");
const holder = document.getElementById("sc-payload");
const bytes = fromCharacters(holder.textContent);
holder.remove();
start(root, bytes);
