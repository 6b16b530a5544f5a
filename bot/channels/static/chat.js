/**
 * The chat page. Nothing of a conversation stays in the browser, unless the person asks for it.
 */

import { Gone, eraseConversation, fetchHistory } from "./api.js";
import { Composer } from "./composer.js";
import * as device from "./device.js";
import { confirmErase } from "./erase.js";
import { prepareExit } from "./exit.js";
import { Log, setUsed } from "./log.js";
import * as notice from "./notice.js";
import { Outbox } from "./outbox.js";
import { Stream } from "./stream.js";
import { fitToKeyboard, usesTouch } from "./viewport.js";

const HANDOFF_TEXTS = {
  none: "",
  waiting: "Er is een mens gevraagd.",
  active: "Je praat nu met een mens.",
  closed: "De mens is klaar. Wijzer is er weer.",
};
const GONE = "Dit gesprek is er niet meer. Je kunt gewoon opnieuw beginnen.";

const page = {
  conversation: null,
  handoff: "none",
  stream: null,
  keep: document.getElementById("keep"),
  keeping: document.getElementById("keeping"),
  keepingLabel: document.getElementById("keeping-label"),
  resume: document.getElementById("resume"),
  handoffLine: document.getElementById("handoff"),
};

const log = new Log((button) => {
  const item = log.addOwn(button.title);
  outbox.add({
    text: button.payload ? "" : button.title,
    payload: button.payload,
    group: button.group,
    item,
  });
  startConversation();
  // On a phone the field would open the keyboard over the answer.
  if (usesTouch()) log.scroll.focus({ preventScroll: true });
  else composer.focus();
});

const composer = new Composer((text) => {
  const item = log.addOwn(text);
  outbox.add({ text, item });
  startConversation();
});

const outbox = new Outbox(() => page.conversation, {
  delivered(item, response) {
    log.mark(item.item, "");
    notice.hide();
    setConversation(response.conversation, 0);
    setHandoff(response.handoff);
    log.addReplies(withoutOpening(response.replies.map((reply) => ({ author: "bot", ...reply }))));
  },
  refused(item, why) {
    item.item.remove();
    giveBack([item]);
    notice.show(why);
  },
  gone(items) {
    // What the person typed stays; what they pressed belongs to the old conversation.
    reset();
    giveBack(items);
    notice.show(GONE);
  },
  stuck(items) {
    for (const { item } of items) log.mark(item, "Nog niet verstuurd");
    notice.show("Er is geen verbinding. Je bericht is nog niet verstuurd.", "Probeer opnieuw", retry);
  },
  busy(on) {
    log.setTyping(on && page.handoff !== "active");
  },
});

function retry() {
  for (const { item } of outbox.items) log.mark(item, "");
  outbox.resume();
  composer.focus();
}

function giveBack(items) {
  const texts = items.filter((item) => !item.group).map((item) => item.text);
  if (texts.length > 0) composer.giveBack(texts.join("\n"));
  for (const { group } of items) if (group) setUsed(group, null);
}

function withoutOpening(messages) {
  const opening = messages.find((message) => message.author === "bot" && log.isOpening(message.text));
  if (!opening) return messages;
  log.setOpeningButtons(opening.buttons || []);
  return messages.filter((message) => message !== opening);
}

function startConversation() {
  page.resume.hidden = true;
  if (!outbox.stuck) notice.hide();
}

function setConversation(conversation, lastMessage) {
  if (page.conversation === conversation) return;
  page.conversation = conversation;
  if (page.keep.checked) device.keep(conversation);
  page.stream = new Stream(conversation, lastMessage, {
    message: (message) => log.addReplies([message]),
    handoff: setHandoff,
    gone() {
      reset();
      notice.show(GONE);
    },
  });
}

function setHandoff(handoff) {
  const back = handoff === "none" && (page.handoff === "active" || page.handoff === "waiting");
  page.handoff = handoff;
  page.handoffLine.textContent = back ? HANDOFF_TEXTS.closed : HANDOFF_TEXTS[handoff] || "";
}

/** Back to an empty page; what stands in the field stays. */
function reset() {
  if (page.stream) page.stream.close();
  forgetThis();
  page.stream = null;
  page.conversation = null;
  page.keep.checked = false;
  showKeeping();
  setHandoff("none");
  page.handoffLine.textContent = "";
  outbox.clear();
  log.reset();
  notice.hide();
  page.resume.hidden = device.kept() === null;
}

// An earlier conversation that this person or another one kept stays kept.
function forgetThis() {
  if (page.conversation !== null && device.kept() === page.conversation) device.forget();
}

document.getElementById("erase").addEventListener("click", async () => {
  if (!(await confirmErase(page.handoff))) return;
  const waits = page.handoff === "waiting" || page.handoff === "active";
  const known = page.conversation;
  // A first message may be on its way: only its response tells which conversation to erase.
  const onItsWay = outbox.clear();
  reset();
  composer.clear();
  composer.focus();
  notice.show("Bezig met wissen.");
  const response = known ? null : await onItsWay;
  erase(known || (response && response.conversation), waits);
});

async function erase(conversation, waits) {
  try {
    if (conversation) await eraseConversation(conversation);
    notice.show(waits ? "Je gesprek is hier weg. Als de mens klaar is, wissen we alles." : "Je gesprek is gewist.");
  } catch {
    notice.show("Wissen is nog niet gelukt.", "Probeer opnieuw", () => erase(conversation, waits));
  }
}

function showKeeping() {
  page.keepingLabel.textContent = page.keep.checked ? "Bewaard" : "Bewaren";
}

page.keep.addEventListener("change", () => {
  if (!page.keep.checked) forgetThis();
  else if (page.conversation && !device.keep(page.conversation)) {
    page.keep.checked = false;
    notice.show("Dit apparaat kan het gesprek niet bewaren.");
  }
  showKeeping();
});

for (const leaving of ["click", "focusin"]) {
  document.addEventListener(leaving, (event) => {
    if (!page.keeping.contains(event.target)) page.keeping.open = false;
  });
}

page.keeping.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !page.keeping.open) return;
  page.keeping.open = false;
  page.keepingLabel.focus();
});

async function resumeKept() {
  const conversation = device.kept();
  page.resume.hidden = true;
  notice.hide();
  try {
    const { messages, handoff } = await fetchHistory(conversation);
    if (page.conversation || outbox.items.length > 0) return;
    page.keep.checked = true;
    showKeeping();
    showHistory(messages);
    setHandoff(handoff);
    setConversation(conversation, messages.length > 0 ? messages[messages.length - 1].id : 0);
    composer.focus();
  } catch (error) {
    if (error instanceof Gone) {
      device.forget();
      notice.show(GONE);
    } else notice.show("Er is geen verbinding.", "Probeer opnieuw", resumeKept);
  }
}

function showHistory(messages) {
  const shown = withoutOpening(messages);
  log.beQuiet();
  shown.forEach((message, index) => {
    // Only the newest message still asks something.
    const buttons = index === shown.length - 1 ? message.buttons : [];
    if (message.author === "person") log.addOwn(message.text);
    else log.addReplies([{ ...message, buttons }]);
  });
  log.toEnd();
}

document.getElementById("resume-go").addEventListener("click", resumeKept);
document.getElementById("resume-forget").addEventListener("click", () => {
  device.forget();
  page.resume.hidden = true;
  composer.focus();
});

window.addEventListener("online", () => {
  if (outbox.stuck) {
    notice.hide();
    retry();
  }
});

prepareExit(() => {
  if (page.stream) page.stream.close();
});
fitToKeyboard();
page.keep.checked = false;
page.resume.hidden = device.kept() === null;
if (!usesTouch()) composer.focus();
