// How long a person waits, and how evenly a page moves: measured within the page, where frames are drawn.
import type { Locator, Page } from "@playwright/test";

/** One frame at 60 a second. */
const FRAME_MS = 1000 / 60;

/** How a page moved. */
export interface Motion {
  /** From one frame to the next, in milliseconds: the middle one, the slowest of twenty, the slowest. */
  middle: number;
  slow: number;
  slowest: number;
  /** Which part of the frames of a screen that draws 60 a second was left out. */
  dropped: number;
  /** How often the page was busy for more than 50 ms, and how long at most. */
  longTasks: number;
  longest: number;
}

/**
 * Opens the app at an address, and tells after how many milliseconds it can be used: it shows what is shared, in a frame that was drawn, and
 * its thread is free. Counted from when the browser sets out, with whatever redirects there are.
 */
export async function untilInteractive(page: Page, url: string): Promise<number> {
  await page.goto(url, { waitUntil: "commit" });
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const look = () => {
          if (document.querySelector('main a[href^="#/albums/"]') === null) requestAnimationFrame(look);
          // Behind the frame that shows it, and behind what the page still had to do.
          else requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
        };
        look();
      }),
  );
}

/** Clicks on what leads to an album, and tells after how many milliseconds there was a picture in each tile in sight. */
export async function untilPicturesBehind(page: Page, link: Locator): Promise<number> {
  const shown = page.evaluate(picturesInSight, "click" as const);
  await link.click();
  return shown;
}

/** The same for an address that leads to an album, from when the browser sets out. */
export async function untilPicturesFrom(page: Page, url: string): Promise<number> {
  await page.goto(url, { waitUntil: "commit" });
  return page.evaluate(picturesInSight, "address" as const);
}

/** The same for a part of an album's page, to which it goes at once, as by its scroll bar. */
export async function untilPicturesAt(page: Page, part: number): Promise<number> {
  return page.evaluate(picturesInSight, part);
}

/** Runs in the page. A picture is there when it is loaded, decoded, and in a frame that was drawn. */
function picturesInSight(from: "click" | "address" | number): Promise<number> {
  let began = from === "click" ? Infinity : from === "address" ? 0 : performance.now();
  if (from === "click") {
    addEventListener("click", ({ timeStamp }) => (began = timeStamp), { capture: true, once: true });
  } else if (from !== "address") scrollTo(0, document.documentElement.scrollHeight * from);
  return new Promise((resolve) => {
    const look = () => {
      const tiles = [...document.querySelectorAll("main [data-at]")].filter((tile) => {
        const { top, bottom } = tile.getBoundingClientRect();
        return bottom > 0 && top < innerHeight;
      });
      const pictures = tiles.map((tile) => tile.querySelector("img"));
      const isLoaded = pictures.length > 0 && pictures.every((it) => it?.complete && it.naturalWidth > 0);
      if (!isLoaded) {
        requestAnimationFrame(look);
        return;
      }
      void Promise.all(pictures.map((it) => it?.decode())).then(() =>
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began))),
      );
    };
    requestAnimationFrame(look);
  });
}

/** Scrolls down from where the page is, evenly, and looks at every frame. */
export async function scrolled(page: Page, pixelsPerSecond: number, seconds: number): Promise<Motion> {
  const [frames, tasks] = await page.evaluate(
    async ([speed, seconds]) => {
      const tasks: number[] = [];
      const observer = new PerformanceObserver((list) =>
        tasks.push(...list.getEntries().map((it) => it.duration)),
      );
      observer.observe({ type: "longtask" });
      const frames: number[] = [];
      const from = scrollY;
      const began = await new Promise<number>(requestAnimationFrame);
      let last = began;
      while (last - began < seconds * 1000) {
        const now = await new Promise<number>(requestAnimationFrame);
        frames.push(now - last);
        last = now;
        scrollTo(0, from + (speed * (now - began)) / 1000);
      }
      tasks.push(...observer.takeRecords().map((it) => it.duration));
      observer.disconnect();
      return [frames, tasks] as const;
    },
    [pixelsPerSecond, seconds] as const,
  );
  const sorted = frames.toSorted((one, other) => one - other);
  const due = frames.reduce((sum, it) => sum + it, 0) / FRAME_MS;
  return {
    middle: sorted[sorted.length >> 1] ?? 0,
    slow: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    slowest: sorted.at(-1) ?? 0,
    dropped: Math.max(0, 1 - frames.length / due),
    longTasks: tasks.length,
    longest: Math.max(0, ...tasks),
  };
}
