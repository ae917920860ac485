// What the sessions carried lately, for plots: gathered for as long as the page is open and seen.

import { untrack } from "svelte";
import type { Network, NetworkSession as Session } from "../api/client";
import { live } from "./live.svelte";
import { rates, withHole, type Rate, type Sample } from "./rates";

/** Half an hour of them. */
const SAMPLES_MAX = 900;
/** What lies further apart, in seconds, is no measurement: the page was not seen, or the daemon away. */
const GAP_MAX = 6;

class Traffic {
  samples = $state.raw<Sample[]>([]);
  /** By session, as the last reading of the network lists them. */
  each = $state.raw<Rate[]>([]);
  #last: { sessions: Session[]; at: number } | null = null;

  start(): void {
    $effect.root(() => {
      $effect(() => {
        if (live.network) this.#take(live.network);
      });
    });
  }

  #take({ sessions }: Network): void {
    const at = Date.now() / 1000;
    const last = this.#last;
    this.#last = { sessions, at };
    if (last && at - last.at > GAP_MAX)
      this.samples = withHole(
        untrack(() => this.samples),
        at,
      );
    if (!last || at - last.at > GAP_MAX || at === last.at) return;
    const { sent, received, each } = rates(last.sessions, sessions, at - last.at);
    const sample = { at, sent, received, rtt: middle(sessions) };
    this.samples = [...untrack(() => this.samples), sample].slice(-SAMPLES_MAX);
    this.each = each;
  }
}

function middle(sessions: Session[]): number | null {
  const all = sessions
    .flatMap((session) => (typeof session.rtt_ms === "number" ? [session.rtt_ms] : []))
    .toSorted((a, b) => a - b);
  return all[Math.floor(all.length / 2)] ?? null;
}

export const traffic = new Traffic();
