// Other labels and "checked" marks, kept by the browser under the digest of the map.

export class Marks {
  constructor(digest, n, nClasses) {
    this.key = `sklearn_carto:${digest}`;
    this.n = n;
    this.nClasses = nClasses;
    this.labels = new Map();
    this.checked = new Set();
    this.kept = true;
    try {
      this.text = localStorage.getItem(this.key);
      this.read(this.text);
    } catch {
      this.kept = false;
    }
  }

  // What was kept may be of anyone's making: only rows and classes of this map are taken.
  read(text) {
    const isIndex = (value, end) => Number.isInteger(value) && value >= 0 && value < end;
    const { labels, checked } = JSON.parse(text ?? "{}");
    this.labels.clear();
    this.checked.clear();
    for (const pair of Array.isArray(labels) ? labels : []) {
      if (Array.isArray(pair) && isIndex(pair[0], this.n) && isIndex(pair[1], this.nClasses)) this.labels.set(pair[0], pair[1]);
    }
    for (const row of Array.isArray(checked) ? checked : []) if (isIndex(row, this.n)) this.checked.add(row);
  }

  // Calls back when the map was marked elsewhere: in another view or widget, or in another tab.
  follow(onChange, signal) {
    addEventListener("storage", (event) => {
      if (event.key !== this.key || event.newValue === null || event.newValue === this.text) return;
      try { this.read(event.newValue); } catch { return; }
      this.text = event.newValue;
      onChange();
    }, { signal });
  }

  setLabel(row, code) {
    if (code === null) this.labels.delete(row);
    else this.labels.set(row, code);
  }

  setChecked(row, checked) {
    if (checked) this.checked.add(row);
    else this.checked.delete(row);
  }

  save() {
    this.text = JSON.stringify({ labels: [...this.labels], checked: [...this.checked] });
    try {
      localStorage.setItem(this.key, this.text);
      this.kept = true;
    } catch {
      this.kept = false;
    }
    // browsers tell other pages of what is kept, but not the page itself
    dispatchEvent(new StorageEvent("storage", { key: this.key, newValue: this.text }));
  }
}
