// The live tail: asks for what is newer than the newest row, and puts it on top.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("tail");
  const button = document.getElementById("live");
  const told = document.getElementById("live-said");
  if (!table || !button) return;
  const body = table.tBodies[0];
  const most = 200;
  const every = Number(button.dataset.every) || 2000;
  let newest = table.dataset.newest;
  let timer = 0;

  async function ask() {
    const url = new URL(button.dataset.rows, location.origin);
    url.search = location.search;
    url.searchParams.set("after", newest);
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
    newest = answer.headers.get("x-newest") || newest;
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const rows = [...holder.content.querySelectorAll("tr")];
    for (const row of rows) row.classList.add("new");
    body.prepend(...rows);
    while (body.rows.length > most) body.deleteRow(-1);
    if (rows.length) told.textContent = `${rows.length} new ${rows.length === 1 ? "decision" : "decisions"}`;
    document.getElementById("none")?.toggleAttribute("hidden", body.rows.length > 0);
  }

  async function turn() {
    try {
      await ask();
    } catch (error) {
      told.textContent = `Not live: ${error.message}. Trying again.`;
    }
    if (button.getAttribute("aria-pressed") === "true") timer = setTimeout(turn, every);
  }

  function toggle(on) {
    button.setAttribute("aria-pressed", String(on));
    clearTimeout(timer);
    told.textContent = on ? "Live: new decisions appear on top." : "";
    if (on) turn();
  }

  button.hidden = false;
  button.addEventListener("click", () => toggle(button.getAttribute("aria-pressed") !== "true"));
});
