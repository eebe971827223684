/* Keyboard-wedge scanners, caught on the whole page: characters under 35 ms apart, ended by Enter
   or Tab. A field that had the focus gets its text back. */
(() => {
  "use strict";
  const GAP_MS = 35, SHORTEST = 4;
  const body = document.body;
  let read = "", last = 0, field = null, text = "";
  const tone = (bad) => {
    try {
      tone.audio ??= new AudioContext();
      const source = tone.audio.createOscillator(), volume = tone.audio.createGain();
      source.frequency.value = bad ? 220 : 1320;
      volume.gain.value = 0.06;
      source.connect(volume).connect(tone.audio.destination);
      source.start();
      source.stop(tone.audio.currentTime + (bad ? 0.35 : 0.09));
    } catch { /* no sound on this device: the band and the vibration say it */ }
  };
  const band = (words, bad) => {
    const place = document.getElementById("scanband");
    if (!place) return;
    place.querySelector("[data-text]").textContent = words;
    place.classList.toggle("bad", Boolean(bad));
    place.hidden = false;
    clearTimeout(band.timer);
    band.timer = setTimeout(() => { place.hidden = true; }, bad ? 4000 : 2500);
    navigator.vibrate?.(bad ? [80, 60, 80] : 40);
    tone(bad);
  };
  window.scanBand = band;
  /* A code is a link of our own QR (".../q/WO-2291") or plain text. */
  const plain = (code) => code.match(/\/q\/([^/?#]+)/)?.[1] || code;
  const handle = (code) => {
    const picker = document.activeElement;
    const option = picker instanceof HTMLSelectElement
      && [...picker.options].find((entry) => entry.value === code || entry.text.startsWith(code));
    if (option) {
      picker.value = option.value;
      picker.dispatchEvent(new Event("change", { bubbles: true }));
      band(option.text);
      return;
    }
    const event = new CustomEvent("scan", { bubbles: true, cancelable: true, detail: { code } });
    if (!body.dispatchEvent(event) || !body.dataset.scanUrl) return;
    band(code);
    location.assign(`${body.dataset.scanUrl}?q=${encodeURIComponent(code)}`);
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const now = performance.now(), burst = now - last < GAP_MS;
    if (event.key === "Enter" || event.key === "Tab") {
      const code = read;
      read = "";
      last = now;
      if (!burst || code.length < SHORTEST) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (field?.isConnected) {
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
      handle(plain(code));
      return;
    }
    if (event.key.length !== 1) return; // Shift of an upper-case letter is part of the burst
    last = now;
    if (!burst) {
      read = "";
      const focus = document.activeElement;
      field = focus instanceof HTMLInputElement || focus instanceof HTMLTextAreaElement ? focus : null;
      text = field ? field.value : "";
    }
    read += event.key;
  }, true);
})();
