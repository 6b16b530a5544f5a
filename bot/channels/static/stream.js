/**
 * What staff write, as it comes: server-sent events, connected again after every interruption, each message once.
 */

import { Gone, fetchHistory } from "./api.js";

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 30000;

export class Stream {
  /**
   * @param conversation the conversation's id.
   * @param after id of the last message that is shown already; 0 for none.
   * @param on what to do: `message(message)`, `handoff(state)`, `gone()`.
   */
  constructor(conversation, after, on) {
    this.conversation = conversation;
    this.last = after;
    this.on = on;
    this.pause = FIRST_PAUSE_MS;
    this.closed = false;
    this.open();
  }

  /** Stop listening. */
  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.source.close();
  }

  open() {
    const address = `/api/conversations/${encodeURIComponent(this.conversation)}/events?after=${this.last}`;
    this.source = new EventSource(address);
    this.source.addEventListener("open", () => {
      this.pause = FIRST_PAUSE_MS;
    });
    this.source.addEventListener("message", (event) => this.receive(JSON.parse(event.data)));
    this.source.addEventListener("handoff", (event) => {
      if (!this.closed) this.on.handoff(JSON.parse(event.data).handoff);
    });
    this.source.addEventListener("erased", () => this.end());
    this.source.addEventListener("error", () => {
      // While it is CONNECTING the browser tries again by itself.
      if (this.source.readyState === EventSource.CLOSED && !this.closed) this.openLater();
    });
  }

  receive(message) {
    if (this.closed || message.id <= this.last) return;
    this.last = message.id;
    this.on.message(message);
  }

  end() {
    if (this.closed) return;
    this.close();
    this.on.gone();
  }

  openLater() {
    this.timer = setTimeout(async () => {
      try {
        await fetchHistory(this.conversation);
      } catch (error) {
        if (error instanceof Gone) {
          this.end();
          return;
        }
      }
      if (!this.closed) this.open();
    }, this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }
}
