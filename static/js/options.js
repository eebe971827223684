/* The options of a disruption: a radio group whose selected row is previewed, and the chain, of
   which the path through the node under the pointer or focus stays lit. */
(() => {
  "use strict";
  let pending = null;
  const select = (row) => {
    for (const other of row.closest("[role=radiogroup]").querySelectorAll("[role=radio]")) {
      other.setAttribute("aria-checked", String(other === row));
      other.tabIndex = other === row ? 0 : -1;
    }
    row.focus();
    const kept = document.getElementById("selected");
    if (kept) kept.value = row.dataset.option || "";
    if (!row.dataset.preview) return;
    // An arrow key held down previews the last row only.
    clearTimeout(pending);
    pending = setTimeout(() => {
      window.htmx.ajax("GET", row.dataset.preview, { source: "#preview", target: "#preview", swap: "outerHTML" });
    }, 60);
  };
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[role=radiogroup] tr[role=radio]");
    if (row && !event.target.closest("a, button, summary, input")) select(row);
  });
  document.addEventListener("keydown", (event) => {
    const row = event.target;
    if (!row.matches?.("[role=radiogroup] tr[role=radio]") || event.ctrlKey || event.altKey || event.metaKey) return;
    const rows = [...row.closest("[role=radiogroup]").querySelectorAll("[role=radio]")];
    const at = rows.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: rows.length - 1, " ": at, Enter: at }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(rows[(to + rows.length) % rows.length]);
  });

  const walk = (paths, start, from, to) => {
    const seen = new Set([start]), queue = [start];
    while (queue.length) {
      const id = queue.pop();
      for (const path of paths) {
        if (path.dataset[from] === id && !seen.has(path.dataset[to])) { seen.add(path.dataset[to]); queue.push(path.dataset[to]); }
      }
    }
    return seen;
  };
  const light = (node) => {
    const home = node.closest(".chain"), paths = [...home.querySelectorAll("path[data-source]")];
    const after = walk(paths, node.dataset.id, "source", "target"), ahead = walk(paths, node.dataset.id, "target", "source");
    for (const other of home.querySelectorAll(".nd[data-id]")) other.classList.toggle("dim", !after.has(other.dataset.id) && !ahead.has(other.dataset.id));
    for (const path of paths) {
      const { source, target } = path.dataset;
      path.classList.toggle("dim", !(after.has(source) && after.has(target)) && !(ahead.has(source) && ahead.has(target)));
    }
  };
  for (const [start, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(start, (event) => { const node = event.target.closest?.(".chain .nd[data-id]"); if (node) light(node); });
    document.addEventListener(end, (event) => {
      event.target.closest?.(".chain")?.querySelectorAll(".dim").forEach((node) => node.classList.remove("dim"));
    });
  }
})();
