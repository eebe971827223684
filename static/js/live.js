/* Live updates. One tab of a browser holds the stream (Web Locks) and tells the others
   (BroadcastChannel): browsers allow six connections to a host, and a seventh tab would hang.
   A notice names topics only; the parts of a page that care re-read themselves. */
(() => {
  "use strict";
  const body = document.body, root = document.documentElement;
  const { streamUrl, site, planVersion, askedMs, tz, lang } = body.dataset;
  const live = (window.__live = { rev: Number(planVersion) || 0, heard: Number(askedMs) || 0, state: "connecting", lastMs: null });
  const STALE_MS = 12000, BEHIND_S = 5, MERGE_MS = 40, JITTER_MS = 60, REMEMBERED_MS = 60000, SKEW_MS = 250;
  const $ = (selector) => document.querySelector(selector);
  const clock = (ms) => new Intl.DateTimeFormat("en-GB", { timeZone: tz || "UTC", hour: "2-digit", minute: "2-digit" }).format(ms);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  /* --- the plant's clock ticks between readings --- */
  const face = $("[data-plant-clock]");
  let anchor = face ? { plant: Date.parse(face.dataset.now), wall: Date.now(), speed: Number(face.dataset.speed || 0) } : null;
  const tick = () => {
    if (!anchor || Number.isNaN(anchor.plant)) return;
    const parts = Object.fromEntries(new Intl.DateTimeFormat(lang || "en", {
      timeZone: tz || "UTC", hour: "2-digit", minute: "2-digit", hourCycle: "h23", weekday: "short", day: "numeric", month: "short",
    }).formatToParts(anchor.plant + (Date.now() - anchor.wall) * anchor.speed).map((part) => [part.type, part.value]));
    const time = `${parts.hour}:${parts.minute}`;
    const text = face.dataset.plantClock === "long" ? `${parts.weekday} ${parts.day} ${parts.month} ${time}` : time;
    if (face.textContent !== text) face.textContent = text;
    const plant = anchor.plant + (Date.now() - anchor.wall) * anchor.speed;
    for (const node of document.querySelectorAll("[data-until]")) {
      node.textContent = Math.max(0, Math.ceil((Date.parse(node.dataset.until) - plant) / 60000));
    }
  };
  setInterval(tick, 1000);
  tick();
  if (!streamUrl || !site) return;

  /* --- server time, for the delay shown: the sample with the shortest way counts --- */
  const samples = [];
  const serverNow = () => Date.now() + (samples.length ? Math.max(...samples) : 0);
  const sample = (serverMs) => {
    if (!serverMs) return;
    samples.push(serverMs - Date.now());
    if (samples.length > 20) samples.shift();
  };

  /* --- state --- */
  let lastBeat = Date.now();
  const planActs = () => {
    const stale = live.state === "stale";
    for (const act of document.querySelectorAll("[data-plan-act]")) {
      if (stale && !act.disabled) { act.disabled = true; act.dataset.heldByStale = "1"; }
      if (!stale && act.dataset.heldByStale) { act.disabled = false; delete act.dataset.heldByStale; }
    }
    for (const why of document.querySelectorAll("[data-stale-reason]")) why.hidden = !stale;
  };
  const show = () => {
    root.dataset.live = live.state;
    const strip = $("#strip-stale");
    if (strip) {
      const text = live.state === "stale" ? fill(strip.dataset.text, { time: clock(lastBeat) }) : "";
      const place = strip.querySelector("[data-text]");
      if (place.textContent !== text) place.textContent = text;
      strip.hidden = !text;
    }
    const word = $("[data-live-word]");
    if (word) word.textContent = live.state === "stale" ? word.dataset.stale : word.dataset.live;
    const delay = $("[data-live-ms]");
    if (delay) {
      delay.hidden = live.state !== "live" || live.lastMs === null;
      if (!delay.hidden) delay.querySelector("b").textContent = `${(live.lastMs / 1000).toFixed(1)} s`;
    }
    const plan = $("#plan-version");
    if (plan && live.rev) plan.textContent = live.rev.toLocaleString("en");
    planActs();
  };
  const beat = () => {
    lastBeat = Date.now();
    if (live.state !== "live") { live.state = "live"; show(); }
  };
  setInterval(() => {
    if (live.state !== "stale" && Date.now() - lastBeat > STALE_MS) { live.state = "stale"; show(); }
  }, 1000);
  const behind = (data) => {
    const strip = $("#strip-behind");
    if (!strip) return;
    const count = (data.seq || 0) - (data.computed_seq || 0), age = Math.round(data.behind_s || 0);
    const late = count > 0 && age > BEHIND_S;
    if (late) {
      const length = `${Math.floor(age / 60)}:${String(age % 60).padStart(2, "0")}`;
      strip.querySelector("[data-text]").textContent = fill(strip.dataset.text, { n: count, age: length });
    }
    strip.hidden = !late;
  };

  /* --- notices: merged, then dispatched as live:<topic> on body --- */
  const topics = new Set();
  let timer = null, newest = 0, missed = false, run = null;
  const every = () => {
    const found = new Set();
    for (const part of document.querySelectorAll("[hx-trigger*='live:']")) {
      for (const match of part.getAttribute("hx-trigger").matchAll(/live:([\w.-]+)/g)) found.add(match[1]);
    }
    return found;
  };
  const flush = () => {
    timer = null;
    const found = topics.has("*") || topics.has("resync") ? every() : new Set([...topics].map((topic) => topic.replaceAll(":", "-")));
    // What somebody has to answer is asked for first.
    const names = [...found].sort((one, other) => (other === "inbox") - (one === "inbox"));
    run = newest ? { since: newest, open: 0 } : null;
    topics.clear();
    newest = 0;
    if (document.hidden) { missed = true; return; }
    for (const name of names) body.dispatchEvent(new CustomEvent(`live:${name}`, { detail: { rev: live.rev } }));
  };
  const want = (names, at) => {
    names.forEach((name) => topics.add(name));
    newest = Math.max(newest, at || 0);
    timer ??= setTimeout(flush, MERGE_MS + Math.random() * JITTER_MS);
  };
  const on = {
    notice(data) {
      sample(data.server_ms);
      live.rev = Math.max(live.rev, data.version || 0);
      beat();
      want(data.topics || ["*"], data.t_event_ms);
      show();
    },
    heartbeat(data) {
      sample(data.server_ms);
      live.heard = data.server_ms;
      beat();
      // A simulated clock that was moved on: the plan is never ahead of its plant.
      const asOf = Date.parse(data.as_of || "");
      if (anchor && asOf > anchor.plant + (Date.now() - anchor.wall) * anchor.speed) anchor = { ...anchor, plant: asOf, wall: Date.now() };
      // A version that no notice spoke of: a notice was lost.
      if (data.version > live.rev) { live.rev = data.version; want(["*"], 0); show(); }
      behind(data);
    },
  };

  /* --- never under a finger --- */
  const busy = (part) => {
    const focus = document.activeElement;
    if (focus && focus !== body && part.contains(focus)) return true;
    // Its own form is on its way: the answer to that comes first.
    if (part.querySelector("form[data-sending]")) return true;
    if (part.querySelector("details.menu[open], dialog[open], [aria-expanded=true]")) return true;
    if (part.hasAttribute("data-hold-pointer") && matchMedia("(hover: hover)").matches && part.matches(":hover")) return true;
    return [...part.querySelectorAll("input:not([type=hidden]), textarea")].some((field) =>
      /checkbox|radio/.test(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
  };
  const waiting = new Map();
  const reread = (part, event) => {
    waiting.delete(part.id);
    part.querySelectorAll(":scope > .newpill, :scope > .errline").forEach((node) => node.remove());
    window.htmx.ajax("GET", part.getAttribute("hx-get"), { source: part, event, target: part, swap: part.getAttribute("hx-swap") || "outerHTML" });
  };
  const pill = (part) => {
    const count = (waiting.get(part.id) || 0) + 1;
    waiting.set(part.id, count);
    let button = part.querySelector(":scope > .newpill");
    if (!button) {
      button = $("#t-pill").content.firstElementChild.cloneNode(true);
      button.addEventListener("click", () => reread(part));
      part.prepend(button);
    }
    button.querySelector("[data-text]").textContent = fill(button.dataset.text, { n: count });
  };
  // What waited is shown by itself once nothing in the part is touched any more.
  const settle = () => setTimeout(() => {
    for (const id of [...waiting.keys()]) {
      const part = document.getElementById(id);
      if (!part) waiting.delete(id);
      else if (!busy(part)) reread(part);
    }
  }, 1500);
  document.addEventListener("focusout", () => { if (waiting.size) settle(); });
  document.addEventListener("pointerout", (event) => {
    if (waiting.size && !event.relatedTarget?.closest?.("[data-hold-pointer]")) settle();
  });

  /* --- what htmx does for a live part --- */
  const isLive = (event) => event.detail.requestConfig?.triggeringEvent?.type?.startsWith("live:");
  // A part that is being read is read once more afterwards: what comes first is shown first.
  const reading = new Set(), again = new Set();
  document.addEventListener("htmx:confirm", (event) => {
    const { elt, triggeringEvent } = event.detail;
    if (!triggeringEvent?.type?.startsWith("live:") || !reading.has(elt.id)) return;
    event.preventDefault();
    again.add(elt.id);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!isLive(event)) return;
    const { id } = event.detail.requestConfig.elt;
    if (!reading.delete(id) || !again.delete(id)) return;
    setTimeout(() => {
      const part = document.getElementById(id);
      if (part) reread(part, new CustomEvent("live:again"));
    }, JITTER_MS);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isLive(event)) return;
    if (busy(event.detail.elt)) { event.preventDefault(); pill(event.detail.elt); return; }
    reading.add(event.detail.elt.id);
    if (run) { event.detail.xhr.liveRun = run; run.open += 1; }
  });
  const numbers = new Map();
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (isLive(event) && xhr.status < 300 && busy(target)) { event.detail.shouldSwap = false; pill(target); return; }
    if (target?.id) numbers.set(target.id, new Map([...target.querySelectorAll("[data-num]")].map((node) => [node.dataset.num, node.textContent])));
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const [id, old] of numbers) {
      const part = document.getElementById(id);
      if (!part) continue;
      part.classList.add("faded");
      setTimeout(() => part.classList.remove("faded"), 200);
      for (const node of part.querySelectorAll("[data-num]")) {
        if (!old.has(node.dataset.num) || old.get(node.dataset.num) === node.textContent) continue;
        node.classList.add("changed");
        setTimeout(() => node.classList.remove("changed"), 2000);
      }
    }
    numbers.clear();
    planActs();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const mine = event.detail.xhr?.liveRun;
    if (!mine) return;
    mine.open -= 1;
    if (mine.open || !event.detail.successful) return;
    // Two frames later the new row is on the screen.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      live.lastMs = Math.max(0, Math.round(serverNow() - mine.since));
      show();
    }));
  });
  const failed = (event) => {
    if (!isLive(event)) return;
    const part = event.detail.requestConfig.elt;
    part.querySelector(":scope > .errline")?.remove();
    const line = $("#t-error").content.firstElementChild.cloneNode(true);
    const id = event.detail.xhr?.getResponseHeader?.("X-Request-ID");
    line.querySelector("[data-text]").textContent = fill(line.dataset.text, { time: clock(Date.now()) }) + (id ? ` (${id})` : "");
    line.querySelector("button").addEventListener("click", () => reread(part));
    part.prepend(line);
  };
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);

  /* --- the stream --- */
  const channel = "BroadcastChannel" in window ? new BroadcastChannel(`live-${site}`) : null;
  const tell = (kind, data) => channel?.postMessage({ kind, data });
  // A tab that opens was drawn before it listened: who holds the stream says again what came since.
  const said = [];
  on.hello = ({ heard }) => said.filter(([at]) => at >= heard - SKEW_MS).forEach(([, data]) => tell("notice", data));
  channel?.addEventListener("message", (event) => on[event.data.kind]?.(event.data.data));
  const hear = (kind) => (event) => {
    const data = JSON.parse(event.data);
    on[kind](data);
    tell(kind, data);
    if (kind === "notice") said.push([serverNow(), data]);
    while (said.length && said[0][0] < serverNow() - REMEMBERED_MS) said.shift();
  };
  tell("hello", { heard: live.heard });
  let wait = 1000;
  const lead = () => {
    const source = new EventSource(`${streamUrl}?site=${encodeURIComponent(site)}&since=${live.rev}&heard=${live.heard}`, { withCredentials: true });
    source.addEventListener("open", () => { wait = 1000; });
    source.addEventListener("notice", hear("notice"));
    source.addEventListener("heartbeat", hear("heartbeat"));
    // The browser's own retry would ask from the old revision, so a new stream is opened instead.
    source.addEventListener("error", () => {
      source.close();
      setTimeout(lead, wait);
      wait = Math.min(wait * 2, 10000);
    });
  };
  // Plain http beyond this machine has no locks: there each tab holds its own stream.
  if (navigator.locks && channel) navigator.locks.request(`live-${site}`, () => { lead(); return new Promise(() => {}); });
  else lead();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) { missed = false; want(["*"], 0); }
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  root.dataset.live = live.state;
})();
