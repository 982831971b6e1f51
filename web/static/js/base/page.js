/** @file What every page has: the theme button and menus that close. */

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Switch between light and dark; the choice is forgotten when it equals the system's. */
function toggleTheme() {
  const root = document.documentElement;
  const next = root.dataset.theme === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  try {
    if ((next === "dark") === dark.matches) localStorage.removeItem("kustos-theme");
    else localStorage.setItem("kustos-theme", next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** @param {EventTarget | null} target */
function closeMenus(target) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!(target instanceof Node && menu.contains(target))) menu.removeAttribute("open");
  }
}

document.addEventListener("click", (event) => {
  const target = event.target;
  if (target instanceof Element && target.closest("[data-theme-toggle]")) toggleTheme();
  closeMenus(target);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (!open) return;
  open.removeAttribute("open");
  open.querySelector("summary")?.focus();
});
