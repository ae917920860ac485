// Rates from counters: what sessions sent and received between two readings.

import type { NetworkSession as Session } from "../api/client";

export interface Rate {
  /** Bytes a second. */
  sent: number;
  received: number;
}

export interface Rates extends Rate {
  /** By session, in the order of the later reading. */
  each: Rate[];
}

export interface Sample {
  /** Seconds since 1970. */
  at: number;
  /** Bytes a second; nothing at a time when nobody looked. */
  sent: number | null;
  received: number | null;
  /** The middle of the round trips, in milliseconds. */
  rtt: number | null;
}

/** The samples with a hole behind the last, so that no line is drawn over a time when nobody looked. */
export function withHole(samples: Sample[], at: number): Sample[] {
  const last = samples.at(-1);
  return !last || last.sent === null ? samples : [...samples, { at, sent: null, received: null, rtt: null }];
}

/** What is one session in two readings. */
function keyOf(session: Session): string {
  return `${session.device_id} ${session.face}`;
}

/** A session that was not there before, or stands anew so that its counters began again, counts from nothing. */
export function rates(before: Session[], now: Session[], seconds: number): Rates {
  const known = new Map(before.map((session) => [keyOf(session), session]));
  const each = now.map((session) => {
    const last = known.get(keyOf(session));
    const since = (counter: "bytes_sent" | "bytes_received") => {
      const from = last?.[counter] ?? 0;
      return (session[counter] - (from <= session[counter] ? from : 0)) / seconds;
    };
    return { sent: since("bytes_sent"), received: since("bytes_received") };
  });
  const sum = (of: (rate: Rate) => number) => each.reduce((all, rate) => all + of(rate), 0);
  return { sent: sum((it) => it.sent), received: sum((it) => it.received), each };
}

/** A plot is at least a minute wide: its first number alone says nothing of when it was. */
const SPAN_MIN = 60;

/** From when to when a plot goes whose numbers are from `first` to `last`, in seconds; nothing before there are any. */
export const spanned = (first: number | null, last: number | null): [number | null, number | null] =>
  first === null || last === null ? [null, null] : [Math.min(first, last - SPAN_MIN), last];
