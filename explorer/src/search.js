// Finds a text in the ids, texts, labels and columns of text, without case; #12 finds row 12.

const STEP = 4000; // rows between two looks at the clock

export async function search(data, query, cancelled) {
  const wanted = query.toLowerCase();
  if (wanted.trim() === "") return null;
  const mask = new Uint8Array(data.n);
  const row = /^#(\d+)$/.exec(wanted.trim());
  if (row) {
    const at = Number(row[1]);
    if (at < data.n) mask[at] = 1;
    return { mask, count: at < data.n ? 1 : 0 };
  }
  const inLabel = Uint8Array.from(data.classes, ([key, name]) => (has(key, wanted) || has(name, wanted) ? 1 : 0));
  const texts = [data.ids, data.text, ...data.columns.filter((column) => column.kind === "text")].filter(Boolean);
  let count = 0, since = performance.now();
  for (let i = 0; i < data.n; i++) {
    if ((data.labels && inLabel[data.labels[i]]) || texts.some((text) => has(text.get(i), wanted))) { mask[i] = 1; count++; }
    if (i % STEP === STEP - 1 && performance.now() - since > 30) {
      await new Promise((resolve) => setTimeout(resolve));
      if (cancelled()) return null;
      since = performance.now();
    }
  }
  return { mask, count };
}

const has = (text, wanted) => text !== null && text.toLowerCase().includes(wanted);
