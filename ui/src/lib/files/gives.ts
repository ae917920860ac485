// Who gives which parts of a download: the daemon tells of each source how much of each part of the whole came from it, in per cent.

import type { TransferSource } from "../api/client";

/** Neighbouring parts of which as much came, from part `from` up to and without `to`. */
export interface Run {
  from: number;
  to: number;
  /** In per cent of each. */
  share: number;
}

/** The parts of which anything came, as few pieces as draw them alike. */
export function runs(parts: readonly number[]): Run[] {
  const all: Run[] = [];
  parts.forEach((share, at) => {
    if (share <= 0) return;
    const last = all.at(-1);
    if (last?.to === at && last.share === share) last.to = at + 1;
    else all.push({ from: at, to: at + 1, share });
  });
  return all;
}

/** Where anything came from, as ranges of the whole in per cent. */
export function ranges(parts: readonly number[]): string[] {
  const all: { from: number; to: number }[] = [];
  for (const { from, to } of runs(parts)) {
    const last = all.at(-1);
    if (last?.to === from) last.to = to;
    else all.push({ from, to });
  }
  const at = (part: number) => Math.round((part * 100) / parts.length);
  return all.map(({ from, to }) => `${at(from)}–${at(to)} %`);
}

/** Those who give now before those who gave, and of these the ones first who gave most. */
export function sorted(sources: readonly TransferSource[]): TransferSource[] {
  const isOver = (source: TransferSource) => (typeof source.path === "string" ? 0 : 1);
  return sources.toSorted((one, other) => isOver(one) - isOver(other) || other.bytes - one.bytes);
}
