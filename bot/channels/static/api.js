/**
 * The calls to the server. A call that fails by the network or a tired server is tried again, with growing pauses.
 */

const PAUSES_MS = [800, 2400];
const TIMEOUT_MS = 30000;
// Browsers limit the body of a request that outlives its page to 64 KiB.
const KEEPALIVE_CHARACTERS = 12000;

/** The server cannot be reached now; what was sent may be sent again. */
export class Unreachable extends Error {}

/** The conversation does not exist any more. */
export class Gone extends Error {}

/** The server does not take this; `message` (Dutch) says why. */
export class Refused extends Error {}

/** A random id for one message, the same at every try. */
export function randomId() {
  if (window.crypto && window.crypto.randomUUID) return window.crypto.randomUUID();
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Send a message; what the bot answered. */
export function sendMessage(message) {
  const body = JSON.stringify(message);
  return call("/api/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
    // "Snel weg" right after sending: the message still arrives.
    keepalive: body.length < KEEPALIVE_CHARACTERS,
  });
}

/** The last messages of a conversation. */
export function fetchHistory(conversation) {
  return call(`/api/conversations/${encodeURIComponent(conversation)}/messages`, { method: "GET" });
}

/** Erase a conversation. One that is gone already is erased. */
export async function eraseConversation(conversation) {
  try {
    await call(`/api/conversations/${encodeURIComponent(conversation)}`, { method: "DELETE", keepalive: true });
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
  }
}

async function call(address, options) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await callOnce(address, options);
    } catch (error) {
      if (!(error instanceof Unreachable) || attempt >= PAUSES_MS.length) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[attempt]));
    }
  }
}

async function callOnce(address, options) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(address, { ...options, signal: abort.signal, cache: "no-store" });
    if (response.status === 404) throw new Gone();
    if (response.status >= 500 || response.status === 429 || response.status === 408) throw new Unreachable();
    const body = response.status === 204 ? null : await response.json();
    if (!response.ok) throw new Refused((body && body.error) || "Dit bericht kan niet verstuurd worden.");
    return body;
  } catch (error) {
    if (error instanceof Gone || error instanceof Refused || error instanceof Unreachable) throw error;
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
  }
}
