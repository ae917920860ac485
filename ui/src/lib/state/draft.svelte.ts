// A text that is edited: it follows what the node tells until somebody writes, and what they are writing stays until it is saved.

import { untrack } from "svelte";

export class Draft {
  text = $state("");
  #told = "";

  /** Takes what the node tells, whatever is being written where that was just saved. */
  take(told: string, isSaved = false): void {
    if (isSaved || untrack(() => this.text) === this.#told) this.text = told;
    this.#told = told;
  }
}
