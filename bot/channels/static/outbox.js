/**
 * Messages on their way: one at a time, in order, none lost. After a failure the rest waits until `resume`.
 */

import { Gone, Refused, randomId, sendMessage } from "./api.js";

export class Outbox {
  /**
   * @param conversation gives the id of the conversation, null before there is one.
   * @param on what to do: `delivered(item, response)`, `refused(item, why)`, `gone(items)`, `stuck(items)`, `busy(boolean)`.
   */
  constructor(conversation, on) {
    this.conversation = conversation;
    this.on = on;
    this.items = [];
    this.running = null;
    this.stuck = false;
  }

  /** Put a message in the queue; `item` holds `text` or `payload`, and whatever the page keeps with it. */
  add(item) {
    this.items.push({ ...item, id: randomId() });
    this.resume();
  }

  /** Go on sending, after a failure too. */
  resume() {
    if (this.running || this.items.length === 0) return;
    this.on.busy(true);
    this.running = this.sendAll().finally(() => {
      this.running = null;
      this.on.busy(false);
      // What was added while the last one came back.
      if (!this.stuck) this.resume();
    });
  }

  /** Drop what is not on its way yet, and wait for what is; its response, or null. */
  async clear() {
    const current = this.current;
    this.items = [];
    this.stuck = false;
    this.dropped = current;
    if (!current) return null;
    return current.catch(() => null);
  }

  async sendAll() {
    this.stuck = false;
    while (this.items.length > 0) {
      const item = this.items[0];
      const message = { conversation: this.conversation(), message_id: item.id, text: item.text || "" };
      if (item.payload) message.payload = item.payload;
      const current = sendMessage(message);
      this.current = current;
      let response = null;
      let failure = null;
      try {
        response = await current;
      } catch (error) {
        failure = error;
      }
      this.current = null;
      if (this.dropped === current) return;
      if (failure === null) {
        this.items.shift();
        this.on.delivered(item, response);
      } else if (failure instanceof Refused) {
        this.items.shift();
        this.on.refused(item, failure.message);
      } else if (failure instanceof Gone) {
        this.on.gone(this.items.splice(0));
      } else {
        this.stuck = true;
        this.on.stuck(this.items);
        return;
      }
    }
  }
}
