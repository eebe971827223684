/* What every page shares: one act per press, menus, sheets, toasts, answers that are refusals. */
(() => {
  "use strict";
  const uuid4 = () => {
    if (crypto.randomUUID) return crypto.randomUUID();
    // Plain http on the shop's own network has no randomUUID.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };

  /* A form is on its way once. Its key stays the same until the server has answered it, so a
     retry after a lost connection is the same act, and a retry after a refusal is a new one. */
  const hold = (form, held) => {
    form.toggleAttribute("data-sending", held);
    form.setAttribute("aria-busy", String(held));
    for (const button of form.elements) {
      if (button.type !== "submit") continue;
      const word = button.querySelector("[data-saving]");
      if (held && !button.disabled) {
        button.disabled = true;
        button.dataset.heldBySubmit = "1";
        if (word) { word.dataset.idle = word.textContent; word.textContent = word.dataset.saving; }
      } else if (!held && button.dataset.heldBySubmit) {
        button.disabled = false;
        delete button.dataset.heldBySubmit;
        if (word?.dataset.idle) word.textContent = word.dataset.idle;
      }
    }
  };
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.hasAttribute("data-sending")) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    form.setAttribute("data-sending", "");
    // After the values were read: a disabled button would not send its own.
    setTimeout(() => { if (form.hasAttribute("data-sending")) hold(form, true); });
  }, true);
  addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-sending]").forEach((form) => hold(form, false));
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    // What was said about the try before is over.
    const { elt, requestConfig } = event.detail;
    const home = requestConfig?.verb === "post" && elt.closest("[data-errors]");
    if (home) document.querySelector(home.dataset.errors)?.replaceChildren();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.requestConfig?.elt;
    if (!(form instanceof HTMLFormElement) || event.detail.requestConfig.verb !== "post") return;
    hold(form, false);
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    const key = form.querySelector("input[name=key]");
    if (key && status >= 200 && status < 500) key.value = uuid4();
    const sheet = form.closest("dialog[open]");
    if (sheet && status >= 200 && status < 300 && form.hasAttribute("data-closes")) sheet.close();
  });

  /* A refusal goes where the form says, and takes the focus, so that it is read. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (![409, 422, 503].includes(xhr.status)) return;
    const home = requestConfig.elt.closest("[data-errors]");
    const place = home && document.querySelector(home.dataset.errors);
    if (!place || xhr.getResponseHeader("HX-Retarget")) return;
    event.detail.target = place;
    event.detail.swapOverride = "innerHTML";
    event.detail.shouldSwap = true;
    setTimeout(() => place.querySelector("[tabindex='-1']")?.focus(), 60);
  });

  /* A tile that must not go off by a sleeve is held for a second; a key on it is meant. */
  const HOLD_MS = 1000;
  let holding = null;
  const letGo = () => { clearTimeout(holding?.timer); holding?.tile.classList.remove("held"); holding = null; };
  document.addEventListener("pointerdown", (event) => {
    const tile = event.target.closest("[data-hold]");
    if (!tile) return;
    tile.classList.add("held");
    holding = { tile, timer: setTimeout(() => { const { form } = tile; letGo(); form.requestSubmit(tile); }, HOLD_MS) };
  });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => { if (holding) letGo(); });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-hold]") && event.detail > 0) event.preventDefault();
  });

  /* --- toasts --- */
  window.toast = (text, seconds = 6) => {
    const template = document.getElementById("t-toast"), region = document.getElementById("toasts");
    if (!template || !region) return;
    const node = template.content.firstElementChild.cloneNode(true);
    node.querySelector("[data-text]").textContent = text;
    region.append(node);
    setTimeout(() => node.remove(), seconds * 1000);
  };
  document.addEventListener("toast", (event) => window.toast(event.detail.text || event.detail.value));
  const offline = document.body.dataset.sendError;
  document.addEventListener("htmx:sendError", (event) => {
    const cause = event.detail.requestConfig?.triggeringEvent;
    if (offline && !cause?.type?.startsWith("live:")) window.toast(offline);
  });

  /* --- clicks: sheets, two views of one card, menus, dismissals --- */
  const view = (button) => {
    for (const other of button.parentElement.querySelectorAll("[data-view]")) {
      other.setAttribute("aria-pressed", String(other === button));
      document.getElementById(other.dataset.view).hidden = other !== button;
    }
  };
  const views = new Map();
  document.addEventListener("click", (event) => {
    const target = event.target;
    const opener = target.closest("[data-open]");
    const sheet = opener && document.getElementById(opener.dataset.open);
    if (sheet && !sheet.open) { event.preventDefault(); sheet.showModal(); }
    if (target.closest("[data-close]")) target.closest("dialog").close();
    else if (target.matches("dialog.sheet")) target.close();
    target.closest("[data-dismiss]")?.closest(".toast, .note")?.remove();
    const reveal = target.closest("[data-reveal]");
    if (reveal) {
      const field = document.getElementById(reveal.dataset.reveal), shown = field.type === "text";
      field.type = shown ? "password" : "text";
      reveal.setAttribute("aria-pressed", String(!shown));
    }
    const button = target.closest("[data-view]");
    if (button) {
      view(button);
      views.set(button.parentElement.id, button.dataset.view);
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
  });
  /* The view that was chosen survives a live re-read of its card. */
  document.addEventListener("htmx:afterSettle", () => {
    for (const [group, chosen] of views) {
      const button = document.getElementById(group)?.querySelector(`[data-view="${CSS.escape(chosen)}"][aria-pressed=false]`);
      if (button) view(button);
    }
  });
  /* What a form would do is of the values of a while ago until the answer to the last one is here. */
  let typed = 0;
  const effectOf = (form) => form && document.querySelector(`[data-effect-of="${CSS.escape(form.id)}"]`);
  document.addEventListener("input", (event) => {
    const effect = effectOf(event.target.form);
    if (!effect) return;
    typed += 1;
    effect.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.closest("[data-effect-of]")) event.detail.xhr.typed = typed;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, elt } = event.detail;
    if (xhr.typed === typed) elt.closest("[data-effect-of]")?.setAttribute("aria-busy", "false");
  });
  /* A text that is sent elsewhere: one press copies it; without the clipboard it is selected. */
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      button.querySelector("span").textContent = button.dataset.copied;
    } catch {
      field.focus();
      field.select();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
