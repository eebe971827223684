/* Office shortcuts. A single letter waits 40 ms and is dropped if another key follows: a scanner
   types faster than that. They can be switched off in the person's menu (WCAG 2.1.4). */
(() => {
  "use strict";
  const WAIT_MS = 40, PAIR_MS = 1200;
  const places = { c: "inbox", w: "list-ordered", d: "truck", q: "shield-alert", e: "factory", l: "check", t: "layers", o: "square-check", h: "siren" };
  const stored = () => { try { return localStorage.getItem("keys"); } catch { return null; } };
  const typing = (node) => node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName);
  const visible = (node) => Boolean(node) && node.getClientRects().length > 0;
  const row = () => document.activeElement.closest("[data-row]");
  const move = (step) => {
    const all = [...document.querySelectorAll("[data-row]")].filter(visible);
    if (!all.length) return;
    const at = all.indexOf(row());
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))];
    (next.querySelector("[data-main]") || next).focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const act = (name) => {
    // On a list the act belongs to the row with the focus, on a page to the page.
    const scope = row() || (document.querySelector("[data-row]") ? null : document);
    const button = scope?.querySelector(`[data-act="${name}"]`);
    if (button && !button.disabled) button.click();
  };
  let pair = 0, timer = null;
  const run = (key) => {
    const paired = pair && performance.now() - pair < PAIR_MS;
    pair = 0;
    if (paired) document.querySelector(`nav.side [data-go="${places[key]}"]`)?.click();
    else if (key === "g") pair = performance.now();
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "a") act("assign");
    else if (key === "h") act("snooze");
    else if (key === "e") act("close");
    else if (key === "n") document.querySelector("[data-act=new]")?.click();
    else if (key === ".") document.querySelector(".newpill")?.click();
    else if (key === "?") document.getElementById("keys-help")?.showModal();
    else if (key === "/") document.getElementById("find")?.focus();
  };
  document.addEventListener("keydown", (event) => {
    const search = document.getElementById("find"), control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() === "k") { event.preventDefault(); search?.focus(); return; }
    if (event.key === "Escape" && event.target === search) { search.value = ""; search.blur(); return; }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (control && event.key.toLowerCase() === "z" && !event.shiftKey) {
      const undo = document.querySelector("[data-act=undo]:not([disabled])");
      if (undo) { event.preventDefault(); undo.click(); }
      return;
    }
    if (control && event.key === "Enter") { document.querySelector("[data-act=accept]:not([disabled])")?.click(); return; }
    if (control || event.altKey || event.key.length !== 1) return;
    if (event.key === "/") event.preventDefault();
    if (timer !== null) {
      // A burst: drop the letter that waits, and this one.
      clearTimeout(timer);
      timer = setTimeout(() => { timer = null; }, WAIT_MS);
      return;
    }
    if (stored() === "off" && event.key !== "/") return;
    const key = event.key;
    timer = setTimeout(() => { timer = null; run(key); }, WAIT_MS);
  });
  const showChoice = () => {
    for (const button of document.querySelectorAll("[data-keys]")) button.setAttribute("aria-pressed", String(stored() !== "off"));
  };
  showChoice();
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-keys]")) return;
    try { localStorage.setItem("keys", stored() === "off" ? "on" : "off"); } catch { /* a private window keeps them on */ }
    showChoice();
  });
})();
