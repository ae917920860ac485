// What the sessions carried lately, for plots: sampled for as long as the page is open and seen.

import * as api from "../api/client";
import type { NetworkSession as Session } from "../api/client";
import { live } from "./live.svelte";
import { rates, type Rate } from "./rates";

export interface Sample extends Rate {
  /** Seconds since 1970. */
  at: number;
  /** The middle of the round trips, in milliseconds. */
  rtt: number | null;
}

/** Half an hour of them. */
const SAMPLES_MAX = 900;
const EVERY_MS = 2_000;

class Traffic {
  samples = $state.raw<Sample[]>([]);
  /** The last reading. */
  network = $state.raw<api.Network | null>(null);
  /** By session, as the last reading lists them. */
  each = $state.raw<Rate[]>([]);
  #last: { sessions: Session[]; at: number } | null = null;

  start(): void {
    setInterval(() => void this.#sample(), EVERY_MS);
  }

  async #sample(): Promise<void> {
    if (document.hidden || live.connection !== "open") {
      // A gap would count as one slow second.
      this.#last = null;
      return;
    }
    try {
      const network = await api.network();
      this.network = network;
      const at = Date.now() / 1000;
      if (this.#last) {
        const { sent, received, each } = rates(this.#last.sessions, network.sessions, at - this.#last.at);
        const sample = { at, sent, received, rtt: middle(network.sessions) };
        this.samples = [...this.samples, sample].slice(-SAMPLES_MAX);
        this.each = each;
      }
      this.#last = { sessions: network.sessions, at };
    } catch {
      this.#last = null;
    }
  }
}

function middle(sessions: Session[]): number | null {
  const all = sessions
    .flatMap((session) => (typeof session.rtt_ms === "number" ? [session.rtt_ms] : []))
    .toSorted((a, b) => a - b);
  return all[Math.floor(all.length / 2)] ?? null;
}

export const traffic = new Traffic();
