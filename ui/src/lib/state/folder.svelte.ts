// A folder of a share as a page shows it: always of the version that the app knows of.

import * as api from "../api/client";
import { open, sourceOf, type ShareRef } from "../api/content";
import { t } from "../text/strings";
import { readLink } from "./found";
import { forget, lastListed, listed } from "./listing";
import { toasts } from "./toasts.svelte";

/** The listing, or why there is none. What was shown stays until a newer listing is there. */
export class Folder {
  entries = $state.raw<api.Listed[] | null>(null);
  /** Whether it holds more than one listing does: the rest is not shown. */
  readonly isCut = $derived(this.entries?.at(-1)?.more === true);
  /** What is in it, in words; nothing before it is known. */
  readonly totals = $derived.by(() => {
    if (this.entries === null || this.isCut) return null;
    const sum = (of: "files" | "bytes") => (this.entries ?? []).reduce((all, entry) => all + entry[of], 0);
    return t.common.filesAndBytes(sum("files"), sum("bytes"));
  });
  wrong = $state<string | null>(null);
  #at = "";

  /** Lists it, if this version is not the one that is shown; while its owner is away, as it was when it was looked into last. */
  async show(of: ShareRef, path: string, hash: string, isAway = false): Promise<void> {
    const at = `${sourceOf(of, path)}@${hash}${isAway ? " away" : ""}`;
    if (at === this.#at) return;
    this.#at = at;
    if (of.owner === "") void readLink(of.share);
    this.entries ??= lastListed(of, path)?.entries ?? null;
    // Who holds a link is told of no new version, and so looks each time.
    if (of.owner === "") forget(of, path);
    try {
      const [listing] = await Promise.all([listed(of, path, hash, isAway), open(of)]);
      if (this.#at === at) [this.entries, this.wrong] = [listing.entries, null];
    } catch (error) {
      if (this.#at !== at) return;
      // So that the next look tries again.
      [this.wrong, this.#at] = [api.adviceOf(error), ""];
    }
  }

  /** Lists what a link leads to once more; what was shown stays where that cannot be. */
  async again(of: ShareRef, path: string, hash: string): Promise<void> {
    this.#at = "";
    await this.show(of, path, hash);
    if (this.wrong !== null && this.entries !== null) toasts.fail(this.wrong);
  }
}
