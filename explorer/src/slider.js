// The slider of epochs, with play; where there is no history it is absent, and a note says so.

import { button, h, uid } from "./dom.js";

const PAUSE = 350; // milliseconds between two epochs

export function slider(store) {
  const element = h("div", { class: "sc-slider", hidden: true });
  const part = { element, start: null, stop: () => {} };
  part.start = () => {
    const { epochs } = store;
    if (!epochs || epochs.last < 1) return;
    const n = epochs.epochs.at(-1) + 1;
    const input = h("input", { type: "range", min: "0", max: String(epochs.last), step: "1", value: String(epochs.last), id: uid("epoch") });
    const text = h("output", { for: input.id });
    let timer = 0;
    const stop = part.stop = () => { clearInterval(timer); timer = 0; play.textContent = "Play"; play.setAttribute("aria-pressed", "false"); };
    const play = button("Play", () => {
      if (timer) { stop(); return; }
      if (store.frame >= epochs.last) store.setFrame(0);
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
      timer = setInterval(() => { if (store.frame >= epochs.last) stop(); else store.setFrame(store.frame + 1); }, PAUSE);
    }, { "aria-pressed": "false" });
    const show = () => {
      const epoch = epochs.epochs[store.frame] + 1;
      input.value = String(store.frame);
      text.textContent = store.frame === epochs.last ? `all ${n} epochs` : `epochs 1 to ${epoch} of ${n}`;
      input.setAttribute("aria-valuetext", text.textContent);
    };
    input.addEventListener("input", () => store.setFrame(Number(input.value)));
    store.on("epoch", show);
    element.append(play, h("label", { for: input.id, text: "Epochs" }), input, text);
    element.hidden = false;
    show();
  };
  return part;
}
