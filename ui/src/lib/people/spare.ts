// Invites that were made to be shown and that nobody took yet, so that looking at one's invite again makes no further one. Known while this page is there.

import type { InviteMade, OpenInvite } from "../api/client";

/** How long one is shown again: it says where its maker was when it was made, and is good for a week from then on. */
const SHOWN_MS_MAX = 24 * 3600 * 1000;

interface Kept {
  invite: InviteMade;
  /** In milliseconds since 1970. */
  since: number;
}

export class Spare {
  /** By whether it is for many. */
  #kept = new Map<boolean, Kept>();

  /** The one to show again, among those that can still be used. */
  get(reusable: boolean, open: readonly OpenInvite[], now: number): InviteMade | null {
    const kept = this.#kept.get(reusable);
    if (!kept || now - kept.since > SHOWN_MS_MAX) return null;
    const { invite } = kept;
    return open.some(({ id }) => id === invite.id) ? invite : null;
  }

  /** Has one shown again until it is taken; not one that leads nowhere, since the next may. */
  keep(invite: InviteMade, now: number): void {
    if (this.#kept.get(invite.reusable)?.invite.id === invite.id || !invite.leads_somewhere) return;
    this.#kept.set(invite.reusable, { invite, since: now });
  }

  /** Somebody was given it. One for a single person is theirs from then on. */
  take(invite: InviteMade): void {
    if (!invite.reusable) this.#kept.delete(false);
  }
}

export const spare = new Spare();
