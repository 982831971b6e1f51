// Classic script in <head>, so that the page is never painted in the wrong theme. Wiring of the button: page.js.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("kustos-theme");
    } catch {
      // Storage may be forbidden; the system's choice is good enough then.
    }
    document.documentElement.dataset.theme = chosen ?? (dark.matches ? "dark" : "light");
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);
})();
