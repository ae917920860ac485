// A folder of a share as a page shows it: always of the version that the app knows of.

import * as api from "../api/client";
import { open, sourceOf, type ShareRef } from "../api/content";
import { lastListed, listed } from "./listing";

/** The listing, or why there is none. What was shown stays until a newer listing is there. */
export class Folder {
  entries = $state.raw<api.Listed[] | null>(null);
  wrong = $state<string | null>(null);
  #at = "";

  /** Lists it, if this version is not the one that is shown. */
  async show(of: ShareRef, path: string, hash: string): Promise<void> {
    const at = `${sourceOf(of, path)}@${hash}`;
    if (at === this.#at) return;
    this.#at = at;
    this.entries ??= lastListed(of, path)?.entries ?? null;
    try {
      const [listing] = await Promise.all([listed(of, path, hash), open(of)]);
      if (this.#at === at) [this.entries, this.wrong] = [listing.entries, null];
    } catch (error) {
      if (this.#at !== at) return;
      // So that the next look tries again.
      [this.wrong, this.#at] = [api.wordsOf(error), ""];
    }
  }
}
