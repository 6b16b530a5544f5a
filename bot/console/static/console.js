/* Keeps an open page up to date. Without this script everything still works, by reloading.
 *
 * The server says "something changed" (server-sent events); the page is fetched again and every element with
 * `data-live` takes over what is new: `append` adds and replaces children by id, `swap` is replaced when its
 * `data-version` differs.
 */
"use strict";

(() => {
  const POLL_MILLISECONDS = 10000;
  const HIDDEN_POLL_MILLISECONDS = 30000;
  const body = document.body;
  const isQueue = body.dataset.listens === "cases";
  let source = null;
  let poll = null;
  let isFetching = false;
  let isStale = false;

  const say = (id, text) => {
    const box = document.getElementById(id);
    box.textContent = "";
    window.setTimeout(() => { box.textContent = text; }, 50);
  };

  /* Waiting times, in the words of times.py */
  const waited = (since) => {
    let minutes = Math.max(0, Math.floor((Date.now() - since) / 60000));
    if (minutes < 1) return "net";
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    minutes %= 60;
    if (hours < 48) return minutes ? `${hours} uur ${minutes} min` : `${hours} uur`;
    return `${Math.floor(hours / 24)} dagen`;
  };
  const count = () => {
    for (const time of document.querySelectorAll("time[data-since]")) {
      const text = waited(Date.parse(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
  };

  /* Taking over what is new */
  const append = (old, fresh) => {
    for (const child of [...fresh.children]) {
      const known = document.getElementById(child.id);
      if (!known) {
        child.classList.add("line-new");
        old.append(child);
      } else if (known.dataset.version !== child.dataset.version) {
        known.replaceWith(child);
      }
    }
  };
  const swap = (old, fresh) => {
    if (old.dataset.version === fresh.dataset.version) return;
    const typed = new Map([...old.querySelectorAll("textarea, select")].map((field) => [field.name, field.value]));
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const address = focused?.getAttribute("href");
    const selector = focused?.id ? `#${CSS.escape(focused.id)}` : address && `a[href="${CSS.escape(address)}"]`;
    old.replaceWith(fresh);
    for (const field of fresh.querySelectorAll("textarea, select")) {
      if (typed.get(field.name)) field.value = typed.get(field.name);
    }
    if (typed.get("text") && !fresh.querySelector("textarea[name=text]")) {
      /* The case went to somebody else while this person was typing. */
      const kept = document.createElement("p");
      kept.className = "notice note";
      kept.textContent = `Niet verstuurd: ${typed.get("text")}`;
      fresh.prepend(kept);
    }
    if (focused) ((selector && fresh.querySelector(selector)) || document.getElementById("inhoud")).focus();
  };
  const lastMessage = () => document.getElementById("berichten")?.lastElementChild;
  const showEnd = () => {
    lastMessage()?.scrollIntoView({ block: "end" });
    document.querySelector(".reply")?.scrollIntoView({ block: "nearest" });
  };
  const isInSight = (element) => {
    const box = element?.getBoundingClientRect();
    return Boolean(box) && box.bottom > 0 && box.top < window.innerHeight;
  };
  const takeOver = (page) => {
    const wasAtEnd = isInSight(lastMessage());
    const before = new Set((document.getElementById("lijst")?.dataset.acute || "").split(" ").filter(Boolean));
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (!fresh) continue;
      if (old.dataset.live === "append") append(old, fresh);
      else swap(old, fresh);
    }
    document.title = page.title;
    count();
    if (wasAtEnd) showEnd();
    const after = (document.getElementById("lijst")?.dataset.acute || "").split(" ").filter(Boolean);
    if (after.some((one) => !before.has(one))) {
      say("alarm", "Nieuwe acute zaak in de wachtrij.");
      beep();
    }
  };
  const refresh = async () => {
    if (isFetching) { isStale = true; return; }
    isFetching = true;
    try {
      const response = await fetch(body.dataset.refresh, { headers: { Accept: "text/html" } });
      if (response.redirected && new URL(response.url).pathname.endsWith("/sign-in")) { signedOut(); return; }
      if (response.status === 404) { location.assign("/staff/"); return; }
      if (response.ok) takeOver(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      /* Out of reach for a moment: the next event or poll tries again. */
    } finally {
      isFetching = false;
      if (isStale) { isStale = false; refresh(); }
    }
  };
  const signedOut = () => {
    stop();
    window.clearInterval(poll);
    const notice = document.createElement("div");
    notice.className = "notice notice-error";
    notice.textContent = "Je bent afgemeld. Kopieer wat je typte en ";
    const link = document.createElement("a");
    link.href = `/staff/sign-in?next=${encodeURIComponent(location.pathname)}`;
    link.textContent = "meld je opnieuw aan.";
    notice.append(link);
    document.getElementById("inhoud").prepend(notice);
    say("alarm", "Je bent afgemeld.");
  };

  /* Listening, with polling for when the stream is down. A hidden case page only polls: browsers allow few streams. */
  const pollEvery = (milliseconds) => {
    window.clearInterval(poll);
    poll = milliseconds ? window.setInterval(refresh, milliseconds) : null;
  };
  const stop = () => { if (source) { source.close(); source = null; } };
  const listen = () => {
    stop();
    source = new EventSource(body.dataset.events);
    let wasDown = false;
    source.onopen = () => { pollEvery(0); if (wasDown) refresh(); wasDown = false; };
    source.onerror = () => {
      wasDown = true;
      pollEvery(POLL_MILLISECONDS);
      if (source && source.readyState === EventSource.CLOSED) { stop(); window.setTimeout(listen, POLL_MILLISECONDS); }
    };
    for (const name of body.dataset.listens.split(" ")) source.addEventListener(name, refresh);
    source.addEventListener("signed-out", signedOut);
  };
  if (body.dataset.events) {
    listen();
    document.addEventListener("visibilitychange", () => {
      if (isQueue) return;
      if (document.hidden) { stop(); pollEvery(HIDDEN_POLL_MILLISECONDS); } else { pollEvery(0); refresh(); listen(); }
    });
  }
  window.setInterval(count, 10000);

  /* Sound: only after somebody switched it on, as browsers ask for a gesture. */
  let audio = null;
  const toggle = document.getElementById("geluid");
  const beep = () => {
    if (!audio || !toggle || toggle.getAttribute("aria-pressed") !== "true") return;
    [0, 0.25].forEach((delay) => {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = 660;
      volume.gain.setValueAtTime(0.0001, audio.currentTime + delay);
      volume.gain.exponentialRampToValueAtTime(0.25, audio.currentTime + delay + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + delay + 0.2);
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + delay);
      tone.stop(audio.currentTime + delay + 0.22);
    });
  };
  if (toggle && window.AudioContext) {
    toggle.hidden = false;
    const set = (on) => {
      toggle.setAttribute("aria-pressed", String(on));
      localStorage.setItem("wijzer-geluid", on ? "aan" : "uit");
      if (on) { audio ||= new AudioContext(); audio.resume(); }
    };
    toggle.addEventListener("click", () => {
      set(toggle.getAttribute("aria-pressed") !== "true");
      beep();
    });
    if (localStorage.getItem("wijzer-geluid") === "aan") {
      /* Remembered; the first touch of the page lets it sound. */
      toggle.setAttribute("aria-pressed", "true");
      document.addEventListener("pointerdown", () => { audio ||= new AudioContext(); audio.resume(); }, { once: true });
      document.addEventListener("keydown", () => { audio ||= new AudioContext(); audio.resume(); }, { once: true });
    }
  }

  /* Replying without leaving the page */
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form?.hasAttribute("data-inline")) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
  const showError = (form, text) => {
    form.querySelector(".notice-error")?.remove();
    if (!text) return;
    const box = document.createElement("p");
    box.className = "notice notice-error";
    box.textContent = text;
    form.prepend(box);
    say("alarm", text);
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.hasAttribute("data-inline")) return;
    event.preventDefault();
    const button = form.querySelector("button");
    const field = form.querySelector("textarea");
    if (button.disabled) return;
    button.disabled = true;
    try {
      const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (response.redirected && new URL(response.url).pathname.endsWith("/sign-in")) { signedOut(); return; }
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (response.ok) {
        field.value = "";
        takeOver(page);
        say("melding", "Je bericht is verstuurd.");
        showEnd();
        showError(form, "");
      } else {
        const error = page.querySelector(".notice-error, .card p");
        showError(form, error ? error.textContent : "Versturen is niet gelukt. Probeer het opnieuw.");
        refresh();
      }
    } catch {
      showError(form, "Geen verbinding. Je bericht is niet verstuurd en staat er nog.");
    } finally {
      button.disabled = false;
      if (field.isConnected) field.focus();
    }
  });

  if (document.querySelector(".reply")) showEnd();
  document.querySelector("[data-focus]")?.focus();
  document.querySelector(".link-field")?.addEventListener("focus", (event) => event.target.select());
})();
