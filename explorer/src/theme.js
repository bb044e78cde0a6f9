// The theme around the page: that of a notebook, where its background says it, or of the system.

const SYSTEM = "(prefers-color-scheme: dark)";

export function isDark(root) {
  for (let element = root.parentElement; element; element = element.parentElement) {
    const [, red, green, blue, alpha] = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(getComputedStyle(element).backgroundColor) ?? [];
    if (red === undefined || Number(alpha ?? 1) < 0.5) continue; // seen through
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
  }
  return matchMedia(SYSTEM).matches;
}

// Calls back when the theme may have changed; notebooks set an attribute of the page.
export function onTheme(onChange, signal) {
  matchMedia(SYSTEM).addEventListener("change", onChange, { signal });
  const watcher = new MutationObserver(onChange);
  for (const element of [document.documentElement, document.body]) watcher.observe(element, { attributes: true });
  signal.addEventListener("abort", () => watcher.disconnect());
}
