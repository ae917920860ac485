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
  /** Where it is gone, and the share is not: the nearest folder above it that is there. */
  above = $state<string | null>(null);
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
      if (this.#at === at) [this.entries, this.wrong, this.above] = [listing.entries, null, null];
    } catch (error) {
      // One that is not there, and one whose owner cannot be reached, are the same failure.
      const above = isMissing(error) && !isAway ? await nearest(of, path, hash) : null;
      if (this.#at !== at) return;
      if (above !== null) this.entries = null;
      // So that the next look tries again.
      [this.wrong, this.#at, this.above] = [api.adviceOf(error), "", above];
    }
  }

  /** Lists what a link leads to once more; what was shown stays where that cannot be. */
  async again(of: ShareRef, path: string, hash: string): Promise<void> {
    this.#at = "";
    await this.show(of, path, hash);
    if (this.wrong !== null && this.entries !== null) toasts.fail(this.wrong);
  }
}

const isMissing = (error: unknown) => error instanceof api.ApiError && error.kind === "not_found";

/** The nearest folder above one that is missing, where it can be listed and does not have what leads there; nothing where that cannot be told. */
async function nearest(of: ShareRef, path: string, hash: string): Promise<string | null> {
  const names = path.split("/").filter(Boolean);
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    const above = names.join("/");
    try {
      const { entries } = await listed(of, above, hash);
      return entries.some((entry) => entry.name === name && entry.kind === "directory") ? null : above;
    } catch (error) {
      if (!isMissing(error)) return null;
    }
  }
  return null;
}
