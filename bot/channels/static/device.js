/**
 * What this device remembers: the conversation's id, and only when the person asked for it.
 */

const KEY = "notities";

/** The kept id, or null. */
export function kept() {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Keep an id; false when this browser does not allow it. */
export function keep(conversation) {
  try {
    window.localStorage.setItem(KEY, conversation);
    return true;
  } catch {
    return false;
  }
}

/** Forget the kept id. */
export function forget() {
  try {
    window.localStorage.removeItem(KEY);
  } catch {
    // A browser that allows no storage has kept nothing.
  }
}
