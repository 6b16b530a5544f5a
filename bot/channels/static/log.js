/**
 * The list of messages on the page, and how it scrolls.
 */

import { linked } from "./links.js";

const NEAR_END_PX = 80;
const QUIET_MS = 1500;

/** A text without differences of white space, to compare texts. */
function plain(text) {
  return text.replace(/\s+/g, " ").trim();
}

export class Log {
  /** @param press what happens at a button: `press(button)` with `title`, `payload`, `group` and `element`. */
  constructor(press) {
    this.press = press;
    this.scroll = document.getElementById("scroll");
    this.list = document.getElementById("messages");
    this.typing = document.getElementById("typing");
    this.newer = document.getElementById("newer");
    this.blank = document.getElementById("opening").cloneNode(true);
    this.prepareOpening();
    this.newer.addEventListener("click", () => {
      this.toEnd();
      this.scroll.focus({ preventScroll: true });
    });
    this.scroll.addEventListener("scroll", () => {
      // A change of height (the keyboard opens) scrolls too, and says nothing about what the person wants to see.
      if (this.scroll.clientHeight !== this.height) return;
      this.atEnd = this.isNearEnd();
      if (this.atEnd) this.newer.hidden = true;
    });
    this.atEnd = false;
    this.keepEndInSight();
  }

  /** Back to the opening alone. */
  reset() {
    while (this.list.firstChild) this.list.firstChild.remove();
    this.list.append(this.blank.cloneNode(true));
    this.lastAuthor = null;
    this.newer.hidden = true;
    this.setTyping(false);
    this.prepareOpening();
    this.scroll.scrollTop = 0;
    this.atEnd = false;
  }

  /** Whether a text is the opening, which is on the page already. */
  isOpening(text) {
    return plain(text) === plain(this.opening.querySelector(".text").textContent);
  }

  /** Give the opening the buttons of the conversation, unless one was pressed. */
  setOpeningButtons(buttons) {
    const group = this.opening.querySelector(".buttons");
    if (group === null || group.dataset.used || buttons.length === 0) return;
    group.replaceWith(this.buttonGroup(buttons));
  }

  /**
   * Add messages of others, and show them from the first one on.
   *
   * @param messages each with `author` (bot, system, staff), `text`, and perhaps `name` and `buttons`.
   */
  addReplies(messages) {
    if (messages.length === 0) return;
    const follow = this.isNearEnd();
    const items = messages.map((message) => this.add(message));
    if (follow) this.showFrom(this.lastOwn && this.lastOwn.nextElementSibling === items[0] ? this.lastOwn : items[0]);
    this.newer.hidden = follow || this.isNearEnd();
  }

  /** Add what the person wrote; the item, for `mark`. */
  addOwn(text) {
    this.lastOwn = this.add({ author: "person", text });
    this.toEnd();
    return this.lastOwn;
  }

  /** Say below an own message how it went with it; an empty text takes that away. */
  mark(item, text) {
    let note = item.querySelector(".note");
    if (note === null) {
      note = document.createElement("p");
      note.className = "note";
      item.append(note);
    }
    note.textContent = text;
    note.hidden = !text;
  }

  setTyping(on) {
    const follow = this.isNearEnd();
    this.typing.hidden = !on;
    if (on && follow) this.toEnd();
  }

  /** For a moment, do not have what is added read aloud. */
  beQuiet() {
    this.scroll.setAttribute("aria-live", "off");
    setTimeout(() => this.scroll.setAttribute("aria-live", "polite"), QUIET_MS);
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.newer.hidden = true;
    this.atEnd = true;
  }

  keepEndInSight() {
    this.height = this.scroll.clientHeight;
    if (!window.ResizeObserver) return;
    new ResizeObserver(() => {
      if (this.scroll.clientHeight === this.height) return;
      this.height = this.scroll.clientHeight;
      if (this.atEnd) this.toEnd();
    }).observe(this.scroll);
  }

  isNearEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_END_PX;
  }

  // A long answer is shown from its start, not from its end.
  showFrom(item) {
    const top = item.getBoundingClientRect().top - this.scroll.getBoundingClientRect().top + this.scroll.scrollTop;
    this.scroll.scrollTop = Math.min(top - 8, this.scroll.scrollHeight);
  }

  add({ author, name, text, buttons }) {
    const kind = author === "system" ? "bot" : author;
    const item = document.createElement("li");
    item.className = `message ${kind}`;
    const label = document.createElement("p");
    label.textContent = authorLabel(kind, name);
    label.className = kind === "person" || label.textContent === this.lastAuthor ? "author hidden" : "author";
    this.lastAuthor = label.textContent;
    const body = document.createElement("div");
    body.className = "text";
    body.append(kind === "person" ? text : linked(text));
    item.append(label, body);
    if (buttons && buttons.length > 0) item.append(this.buttonGroup(buttons));
    this.list.append(item);
    return item;
  }

  prepareOpening() {
    this.opening = document.getElementById("opening");
    this.lastAuthor = authorLabel("bot");
    for (const line of this.opening.querySelectorAll(".text p")) {
      line.replaceWith(linkedLine(line.textContent));
    }
    const group = this.opening.querySelector(".buttons");
    for (const element of group.querySelectorAll("button")) {
      this.listen(element, { title: element.textContent, payload: null, group });
    }
  }

  buttonGroup(buttons) {
    const group = document.createElement("div");
    group.className = "buttons";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Kies een antwoord");
    for (const { title, payload } of buttons) {
      const element = document.createElement("button");
      element.type = "button";
      element.className = "answer";
      element.textContent = title;
      this.listen(element, { title, payload, group });
      group.append(element);
    }
    return group;
  }

  listen(element, button) {
    element.addEventListener("click", () => {
      setUsed(button.group, element);
      this.press(button);
    });
  }
}

/** Let a group of buttons be pressed again, or not; the pressed one stays recognisable. */
export function setUsed(group, pressed) {
  if (pressed) group.dataset.used = "yes";
  else delete group.dataset.used;
  for (const element of group.querySelectorAll("button")) {
    element.disabled = pressed !== null;
    element.classList.toggle("chosen", element === pressed);
  }
}

function authorLabel(kind, name) {
  if (kind === "person") return "Jij";
  if (kind === "staff") return name ? `${name}, medewerker` : "Medewerker";
  return "Wijzer, computer";
}

function linkedLine(text) {
  const line = document.createElement("p");
  line.append(linked(text));
  return line;
}
