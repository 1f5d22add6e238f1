// Loaded before the page is painted: the theme that was chosen, else the one that the system prefers.
"use strict";
(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try { return localStorage.getItem("turnout-theme"); } catch { return null; }
  };
  const apply = () => {
    document.documentElement.dataset.theme = chosen() || (system.matches ? "dark" : "light");
    document.dispatchEvent(new Event("turnout:theme"));
  };
  system.addEventListener("change", apply);
  apply();

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector(".nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
    const button = document.getElementById("theme");
    if (!button) return;
    const tell = () => {
      const dark = document.documentElement.dataset.theme === "dark";
      button.setAttribute("aria-pressed", String(dark));
    };
    button.hidden = false;
    tell();
    button.addEventListener("click", () => {
      const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("turnout-theme", next); } catch { /* kept for this page only */ }
      document.documentElement.dataset.theme = next;
      document.dispatchEvent(new Event("turnout:theme"));
      tell();
    });
  });
})();
