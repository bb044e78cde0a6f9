// Other labels and "checked" marks, kept by the browser under the digest of the map.

export class Marks {
  constructor(digest, n, nClasses) {
    this.key = `sklearn_carto:${digest}`;
    this.labels = new Map();
    this.checked = new Set();
    this.kept = true;
    this.read(n, nClasses);
  }

  // What was kept may be of anyone's making: only rows and classes of this map are taken.
  read(n, nClasses) {
    const isIndex = (value, end) => Number.isInteger(value) && value >= 0 && value < end;
    try {
      const { labels, checked } = JSON.parse(localStorage.getItem(this.key) ?? "{}");
      for (const pair of Array.isArray(labels) ? labels : []) {
        if (Array.isArray(pair) && isIndex(pair[0], n) && isIndex(pair[1], nClasses)) this.labels.set(pair[0], pair[1]);
      }
      for (const row of Array.isArray(checked) ? checked : []) if (isIndex(row, n)) this.checked.add(row);
    } catch {
      this.kept = false;
    }
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
    try {
      localStorage.setItem(this.key, JSON.stringify({ labels: [...this.labels], checked: [...this.checked] }));
      this.kept = true;
    } catch {
      this.kept = false;
    }
  }
}
