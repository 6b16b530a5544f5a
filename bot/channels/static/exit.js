/**
 * "Snel weg": nothing readable stays on the screen, and the way back does not lead here.
 */

const DOUBLE_PRESS_MS = 1000;

/** @param stop ends whatever still writes on the page. */
export function prepareExit(stop) {
  const leave = () => {
    stop();
    document.title = "Notities";
    const address = document.body.dataset.exitUrl;
    document.body.textContent = "";
    try {
      window.history.replaceState(null, "", "/");
    } catch {
      // Some browsers limit how often; leaving matters more.
    }
    window.location.replace(address);
  };
  document.getElementById("exit").addEventListener("click", (event) => {
    event.preventDefault();
    leave();
  });
  let last = -Infinity;
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || event.repeat) return;
      if (event.timeStamp - last < DOUBLE_PRESS_MS) leave();
      last = event.timeStamp;
    },
    true,
  );
  forgetOnLeaving();
}

// Otherwise "back" could show the page as it was, from the browser's memory.
function forgetOnLeaving() {
  window.addEventListener("pagehide", () => {
    document.body.textContent = "";
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
}
