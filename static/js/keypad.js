/* The floor's keypad: one pad writes into the chosen number, and the button says what it will do.
   A number that is being typed is never replaced by a live update: the pad is no live part. */
(() => {
  "use strict";
  const LONGEST = 6;
  const chosen = (form) => form.querySelector(".q[aria-checked=true]") || form.querySelector(".q");
  const show = (form) => {
    const values = {};
    for (const box of form.querySelectorAll(".q")) {
      const value = form.elements[box.dataset.name].value || "0";
      values[box.dataset.name] = Number(value);
      box.querySelector("output").textContent = value;
    }
    for (const quick of form.querySelectorAll("[data-set]")) {
      if (quick.hasAttribute("aria-pressed")) quick.setAttribute("aria-pressed", String(Number(quick.dataset.set) === values.good));
    }
    const button = form.querySelector(".report");
    if (!button) return;
    const words = ["good", "scrap", "rework"].filter((name) => values[name]).map((name) => button.dataset[name].replace("{n}", values[name]));
    button.querySelector("[data-label]").textContent = words.length ? button.dataset.text.replace("{what}", words.join(", ")) : button.dataset.none;
    if (!button.dataset.heldBySubmit) button.disabled = !words.length;
  };
  const choose = (box) => {
    for (const other of box.closest("form").querySelectorAll(".q[role=radio]")) {
      other.setAttribute("aria-checked", String(other === box));
      other.tabIndex = other === box ? 0 : -1;
    }
    box.dataset.fresh = "1";
  };
  const put = (form, value, fresh) => {
    const box = chosen(form);
    form.elements[box.dataset.name].value = String(value).replace(/^0+(?=\d)/, "").slice(0, LONGEST) || "0";
    box.dataset.fresh = fresh;
    show(form);
  };
  document.addEventListener("click", (event) => {
    const form = event.target.closest("form[data-keypad]");
    if (!form) return;
    const pressed = event.target.closest(".q[role=radio]");
    if (pressed) choose(pressed);
    const key = event.target.closest("[data-digit], [data-clear], [data-back], [data-set], [data-more]");
    if (!key) return;
    const box = chosen(form), value = form.elements[box.dataset.name].value || "0";
    // The first digit replaces what was proposed; the next ones go behind it.
    if (key.dataset.digit !== undefined) put(form, (box.dataset.fresh === "0" ? value : "") + key.dataset.digit, "0");
    else if (key.dataset.clear !== undefined) put(form, "0", "1");
    else if (key.dataset.back !== undefined) put(form, value.slice(0, -1), "0");
    else if (key.dataset.more !== undefined) put(form, Number(value) + Number(key.dataset.more), "1");
    else {
      choose(form.querySelector(".q[data-name=good]"));
      put(form, key.dataset.set, "1");
    }
  });
  document.addEventListener("keydown", (event) => {
    const box = event.target.closest?.(".q[role=radio]");
    if (box && /^Arrow/.test(event.key)) {
      const boxes = [...box.closest("form").querySelectorAll(".q[role=radio]")];
      const step = /Right|Down/.test(event.key) ? 1 : boxes.length - 1;
      const next = boxes[(boxes.indexOf(box) + step) % boxes.length];
      event.preventDefault();
      choose(next);
      next.focus();
    }
    const place = { F1: "floor-help", F2: "report", F8: "call-help" }[event.key];
    const button = place && document.getElementById(place);
    if (button && !button.disabled) { event.preventDefault(); button.click(); }
  });

  /* After a report the pad proposes again, never more than what is left. */
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.requestConfig?.elt;
    if (!event.detail.successful || !form?.matches?.("form[data-keypad]")) return;
    const rest = Number(document.querySelector("#progress")?.dataset.rest || "NaN");
    for (const box of form.querySelectorAll(".q")) {
      const start = Number(box.dataset.start || 0);
      form.elements[box.dataset.name].value = String(box.dataset.name === "good" && rest >= 0 ? Math.min(start, rest) : start);
    }
    if (form.querySelector(".q[role=radio]")) choose(form.querySelector(".q"));
    show(form);
  });
  const restButton = () => {
    const rest = document.querySelector("#progress")?.dataset.rest;
    const button = document.querySelector("[data-rest-text]");
    if (!rest || !button) return;
    button.dataset.set = rest;
    button.textContent = button.dataset.restText.replace("{n}", rest);
  };

  /* Time since the job began: the server says how long, the page counts on from there. */
  const timers = () => {
    for (const node of document.querySelectorAll("[data-elapsed]")) {
      node.seen ??= performance.now();
      const seconds = Number(node.dataset.elapsed) + ((performance.now() - node.seen) / 1000) * Number(node.dataset.speed || 0);
      const minutes = Math.max(0, Math.floor(seconds / 60));
      const text = minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60}`;
      if (node.textContent !== text) node.textContent = text;
    }
  };
  setInterval(timers, 1000);
  const all = () => { document.querySelectorAll("form[data-keypad]").forEach(show); restButton(); timers(); };
  document.addEventListener("htmx:afterSettle", all);
  all();
})();
