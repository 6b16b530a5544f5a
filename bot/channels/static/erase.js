/**
 * The question before a conversation is erased.
 */

const TEXTS = {
  free: "Alles wat je hier typte, is dan weg. Je kunt het niet terughalen.",
  human:
    "Een mens kijkt nog naar je gesprek en wil je helpen. Als je wist, zie je hier geen antwoord meer. " +
    "Als de mens klaar is, wissen we alles.",
};

/** Ask; true when the person wants to erase. */
export function confirmErase(handoff) {
  const text = handoff === "waiting" || handoff === "active" ? TEXTS.human : TEXTS.free;
  const dialog = document.getElementById("erase-dialog");
  if (!dialog.showModal) return Promise.resolve(window.confirm(`Dit gesprek wissen? ${text}`));
  document.getElementById("erase-text").textContent = text;
  return new Promise((resolve) => {
    document.getElementById("erase-yes").onclick = () => dialog.close("yes");
    document.getElementById("erase-no").onclick = () => dialog.close("no");
    dialog.returnValue = "no";
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
    document.getElementById("erase-no").focus();
  });
}
