/**
 * The line above the field in which the page itself says something, with at most one button.
 */

const place = document.getElementById("notice");

/** Show a text; `action` is the button's title, `run` what it does. */
export function show(text, action, run) {
  const line = document.createElement("p");
  line.textContent = text;
  hide();
  place.append(line);
  if (!action) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool";
  button.textContent = action;
  button.addEventListener("click", () => {
    hide();
    run();
  });
  place.append(button);
}

export function hide() {
  place.textContent = "";
}
