/**
 * The room that a phone's keyboard leaves.
 */

/** Whether the person points with a finger, so that focus on a field opens a keyboard. */
export function usesTouch() {
  return window.matchMedia("(hover: none) and (pointer: coarse)").matches;
}

/** Keep the page as high as what is visible, for browsers that lay the keyboard over it. */
export function fitToKeyboard() {
  const viewport = window.visualViewport;
  if (!viewport) return;
  viewport.addEventListener("resize", () => {
    // Zoomed in with two fingers, the visible part is small without a keyboard.
    if (viewport.scale > 1.01) return;
    document.documentElement.style.setProperty("--visible-height", `${viewport.height}px`);
    window.scrollTo(0, 0);
  });
}
