// How many tiles stand beside each other, and how large they are.

/** Between two tiles, in pixels. */
export const GAP = 6;
/** The smallest tile that shows what is on it; three fit beside each other on a phone. */
const TILE_MIN = 104;
/** What a tile should be like where there is room. */
const TILE_WANTED = 208;
const PHONE = 600;

/** How long something is in sight at least before anybody sees what it is. */
const SEEN_MS = 150;

/** Whether things pass through a screen so high faster than anybody sees them, at so many pixels in so many milliseconds. */
export function isPassing(pixels: number, ms: number, screen: number): boolean {
  return Math.abs(pixels) * SEEN_MS > screen * ms;
}

export interface Layout {
  columns: number;
  /** Width and height of a tile, in pixels. */
  tile: number;
}

export function layout(width: number): Layout {
  const wanted = width < PHONE ? TILE_MIN : TILE_WANTED;
  const columns = Math.max(1, Math.floor((width + GAP) / (wanted + GAP)));
  return { columns, tile: Math.max(1, (width - GAP * (columns - 1)) / columns) };
}
