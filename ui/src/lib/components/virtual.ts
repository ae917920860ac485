// What lists have in common of which only what is in sight exists: they scroll with the page, and keys lead also to what is not there yet.

import {
  observeWindowOffset,
  observeWindowRect,
  Virtualizer,
  windowScroll,
  type Range,
} from "@tanstack/virtual-core";
import { tick, untrack } from "svelte";

/** More than scrolling to something takes. */
const FRAMES_MAX = 20;

/** Rows that scroll with the page; `changed` is called when others are in sight. */
export function alongPage<Row extends HTMLElement>(
  changed: () => void,
  rangeExtractor?: (range: Range) => number[],
): Virtualizer<Window, Row> {
  return new Virtualizer<Window, Row>({
    count: 0,
    getScrollElement: () => window,
    estimateSize: () => 1,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    onChange: () => untrack(changed),
    initialRect: { width: innerWidth, height: innerHeight },
    ...(rangeExtractor && { rangeExtractor }),
  });
}

/** How far below the top of the page something begins, in pixels. */
export const topOf = (element: HTMLElement | undefined) =>
  (element?.getBoundingClientRect().top ?? 0) + scrollY;

/** Gives the focus to what is in a row, which is there as soon as the page has been scrolled; unless something else is wanted by then. */
export async function focusIn<Row extends HTMLElement>(
  virtual: Virtualizer<Window, Row>,
  row: number,
  find: () => HTMLElement | null | undefined,
  isWanted: () => boolean,
): Promise<void> {
  virtual.scrollToIndex(row, { align: "auto" });
  await tick();
  for (let frame = 0; frame < FRAMES_MAX && isWanted(); frame += 1) {
    const there = find();
    if (there) return there.focus({ preventScroll: true });
    await new Promise(requestAnimationFrame);
  }
}

/** Where a key leads from one of `count` things in so many columns; nothing for other keys, at the edges, and with another key held, but Shift where that means a range. */
export function led(
  event: Pick<KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey">,
  at: number,
  columns: number,
  count: number,
  hasRanges = false,
): number | null {
  if (event.altKey || event.ctrlKey || event.metaKey || (event.shiftKey && !hasRanges)) return null;
  const to = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at - columns,
    ArrowDown: at + columns,
    Home: 0,
    End: count - 1,
  }[event.key];
  return to === undefined || to < 0 || to >= count ? null : to;
}
