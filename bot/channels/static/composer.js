/**
 * The field in which the person types.
 */

const LARGEST_PX = 160;

export class Composer {
  /** @param send what happens with a text that is sent. */
  constructor(send) {
    this.form = document.getElementById("composer");
    this.input = document.getElementById("input");
    this.send = send;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => this.fit());
  }

  /** Give a text back that could not be sent, before what is there now. */
  giveBack(text) {
    this.input.value = [text, this.input.value].filter(Boolean).join("\n");
    this.fit();
  }

  clear() {
    this.input.value = "";
    this.fit();
  }

  focus() {
    this.input.focus({ preventScroll: true });
  }

  submit() {
    const text = this.input.value.trim();
    if (text) {
      this.clear();
      this.send(text);
    }
    this.focus();
  }

  fit() {
    this.input.style.height = "auto";
    // scrollHeight is without the border.
    const border = this.input.offsetHeight - this.input.clientHeight;
    this.input.style.height = `${Math.min(this.input.scrollHeight + border, LARGEST_PX)}px`;
  }
}
