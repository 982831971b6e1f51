/** @file Tabs after the ARIA pattern: arrows go along, only the chosen one is in the order of Tab. */

/** @param {HTMLElement} list element with role tablist; its tabs name their panels by aria-controls */
export function connectTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
  const choose = (/** @type {HTMLElement} */ chosen) => {
    for (const tab of tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (panel) panel.hidden = !on;
    }
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      const next = tabs[(index + by + tabs.length) % tabs.length];
      if (!by || !next) return;
      event.preventDefault();
      event.stopPropagation();
      choose(next);
      next.focus();
    });
  });
  if (tabs[0]) choose(tabs[0]);
}
