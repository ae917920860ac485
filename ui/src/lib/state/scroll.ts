// Coming back to where a page was left: it is as high again only when what is on it is there.

/** What takes longer than this to come is not waited for. */
const WAIT_MS = 2000;
/** Whoever does this leads the page from then on. */
const LEADS = ["wheel", "touchstart", "keydown", "pointerdown"] as const;

let stop = new AbortController();

/** Scrolls so far down, in pixels, as soon as the page is so high; until somebody scrolls by themselves. */
export function scrollBack(top: number): void {
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  for (const name of LEADS) addEventListener(name, () => stop.abort(), { signal, passive: true });
  const until = performance.now() + WAIT_MS;
  const step = () => {
    if (signal.aborted) return;
    scrollTo(0, top);
    if (scrollY >= top - 1 || performance.now() > until) stop.abort();
    else requestAnimationFrame(step);
  };
  step();
}
