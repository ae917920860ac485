// How a picture is enlarged and moved within the screen: values only, so that gestures can be tested without a screen.

export interface View {
  /** 1 fits the screen. */
  scale: number;
  /** Moved from the middle, in pixels. */
  x: number;
  y: number;
}

export const FITTED: View = { scale: 1, x: 0, y: 0 };
/** Beyond it there are only pixels. */
const SCALE_MAX = 8;

/** Enlarged by `factor` around a point, given from the middle of the screen; what is under the point stays there. */
export function zoomed(view: View, factor: number, at: { x: number; y: number }, screen: Size): View {
  const scale = Math.min(SCALE_MAX, Math.max(1, view.scale * factor));
  const by = scale / view.scale;
  return held({ scale, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by }, screen);
}

/** Moved by so many pixels. */
export function panned(view: View, dx: number, dy: number, screen: Size): View {
  return held({ ...view, x: view.x + dx, y: view.y + dy }, screen);
}

interface Size {
  width: number;
  height: number;
}

/** Never so far that nothing of it is in the middle; at its fitted size, not at all. */
function held(view: View, screen: Size): View {
  const [x, y] = [((view.scale - 1) * screen.width) / 2, ((view.scale - 1) * screen.height) / 2];
  const within = (value: number, most: number) => Math.min(most, Math.max(-most, value));
  return { scale: view.scale, x: within(view.x, x), y: within(view.y, y) };
}

/** What a quick drag across a fitted picture means. */
export function swiped(dx: number, dy: number, ms: number): "next" | "previous" | "close" | null {
  const [far, high] = [Math.abs(dx), Math.abs(dy)];
  const isQuick = ms < 600;
  if (far > 50 && far > high * 1.3 && isQuick) return dx < 0 ? "next" : "previous";
  if (dy > 90 && high > far * 1.3 && isQuick) return "close";
  return null;
}
