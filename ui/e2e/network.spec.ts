// The network page with as many people as one may have: readable, and drawn over time. What the daemon tells is made up here.
import { expect, test } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

const PEERS = 200;
/** Faces that cover another's middle: hardly any, on a phone's screen too. */
const COVERED_MAX = PEERS / 25;

/** Stands in the page for the event stream, and tells each half second what a daemon with many sessions would every two. */
function pretend(count: number): void {
  class Pretended extends EventTarget {
    onopen: (() => void) | null = null;
    onerror: (() => void) | null = null;
    #beat: ReturnType<typeof setInterval>;

    constructor() {
      super();
      setTimeout(() => this.onopen?.());
      let beats = 0;
      this.#beat = setInterval(() => {
        beats += 1;
        // While all of it is examined, which takes long enough: as rarely as keeps the stream from being taken for dead.
        if ("isCalm" in window && beats % 12 !== 0) return;
        const sessions = Array.from({ length: count }, (_, at) => ({
          name: `Friend ${at + 1}`,
          peer_id: `peer1friend${at}`,
          device_id: `device${at * 7919}`,
          face: "contact",
          path: at % 5 === 0 ? "relay" : "direct",
          rtt_ms: ((at * 37) % 300) + 1,
          found_by: at % 2 === 0 ? "introducer" : "lan",
          seconds: beats,
          streams: 0,
          bytes_sent: beats * 1000 * (at + 1),
          bytes_received: beats * 3000 * (at + 1),
          paths: [],
        }));
        const introducers = [true, false].map((answers, at) => ({
          device_id: `introducer${at}`,
          line: `kith:introducer1${at}`,
          addresses: [],
          answers,
          rtt_ms: answers ? 12 : null,
          bytes_sent: answers ? 2048 : 0,
          bytes_received: answers ? 5 << 20 : 0,
        }));
        const data = JSON.stringify({ peer_id: "peer1me", sessions, introducers });
        this.dispatchEvent(new MessageEvent("network", { data }));
      }, 500);
    }

    close(): void {
      clearInterval(this.#beat);
    }
  }
  Object.assign(window, { EventSource: Pretended });
}

/** How much a line differs from the card it is on, as WCAG 2 counts it. In the page. */
function contrastOf(line: Element): number {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const card = line.closest(".card");
  if (!canvas || !card) return 0;
  const style = getComputedStyle(line);
  const painted = [getComputedStyle(card).backgroundColor, style.stroke].map((colour, at) => {
    canvas.globalAlpha = at === 0 ? 1 : Number(style.opacity) * Number(style.strokeOpacity);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  });
  return (Math.max(...painted) + 0.05) / (Math.min(...painted) + 0.05);
}

for (const [screen, viewport] of Object.entries({
  wide: { width: 1280, height: 800 },
  phone: { width: 360, height: 740 },
})) {
  test(`two hundred people are readable: ${screen}`, async ({ browser }, info) => {
    const world = await World.start(["ann"]);
    try {
      const page = await world.person("ann").browser(browser, { viewport });
      await page.addInitScript(pretend, PEERS);
      await page.goto(`${new URL(page.url()).origin}/#/network`);
      await page.reload();
      const map = page.getByRole("group", { name: /Map/ });
      await expect(map.locator("circle.node")).toHaveCount(PEERS, { timeout: 30_000 });
      await expect(page.getByRole("definition").first()).toHaveText(String(PEERS));
      await expect(page.getByRole("table").getByRole("row")).toHaveCount(PEERS + 3);
      await expect(map.getByRole("link", { name: /Friend 200 · / })).toBeAttached();
      const row = (name: RegExp) => page.getByRole("row", { name });
      await expect(row(/^Friend 200 /)).toContainText("on the local network");
      for (const told of ["answers when", "12 ms", "2 KiB", "5 MiB"]) {
        await expect(row(/^Introducer 1 /)).toContainText(told);
      }
      await expect(map.locator("title", { hasText: "Introducer 1 · 12 ms" })).toBeAttached();
      await expect(row(/^Introducer 2 /)).toContainText("did not answer");

      // There is no room for names: whoever is tapped is named below, and led to by a second tap.
      const told = page.getByRole("status").filter({ hasText: /Point at somebody|Friend/ });
      await expect(told).toContainText("Point at somebody");
      await map.getByRole("link", { name: /Friend 200 · / }).focus();
      await expect(told.getByRole("link", { name: /^Friend 200 · / })).toBeVisible();
      // Tab leads to the first one again.
      await page.keyboard.press("Home");
      await map
        .getByRole("link", { name: /Friend 100 · / })
        .dispatchEvent("pointerdown", { pointerType: "touch", bubbles: true });
      await map.getByRole("link", { name: /Friend 100 · / }).dispatchEvent("click");
      await expect(told.getByRole("link", { name: /^Friend 100 · / })).toBeVisible();
      expect(page.url()).toMatch(/#\/network$/);
      const rows = page.getByRole("table").getByRole("row");
      await page.getByRole("searchbox", { name: "Search by name" }).fill("friend 20");
      await expect(rows).toHaveCount(3);
      await page.getByRole("button", { name: "Who" }).click();
      await expect(page.getByRole("columnheader", { name: "Who" })).toHaveAttribute("aria-sort", "ascending");
      await expect(rows.nth(1)).toContainText("Friend 20");
      await expect(rows.nth(2)).toContainText("Friend 200");
      await page.getByRole("button", { name: "Who" }).click();
      await page.getByRole("searchbox", { name: "Search by name" }).fill("");
      await expect(rows).toHaveCount(PEERS + 3);

      const { covered, outside } = await map.evaluate((svg) => {
        const edge = svg.getBoundingClientRect();
        const faces = [...svg.querySelectorAll("circle.node")].map((it) => it.getBoundingClientRect());
        const middle = (box: DOMRect) => [box.x + box.width / 2, box.y + box.height / 2] as const;
        const covers = (one: DOMRect, other: DOMRect) => {
          const [[x, y], [otherX, otherY]] = [middle(one), middle(other)];
          return Math.hypot(x - otherX, y - otherY) < one.width / 2;
        };
        return {
          covered: faces.filter((one, at) => faces.slice(at + 1).some((other) => covers(one, other))).length,
          outside: faces.filter(
            (it) =>
              it.left < edge.left || it.right > edge.right || it.top < edge.top || it.bottom > edge.bottom,
          ).length,
        };
      });
      expect(covered).toBeLessThan(COVERED_MAX);
      expect(outside).toBe(0);

      // The rings that tell how far they are are seen in either light (WCAG 1.4.11).
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const contrast = await map.locator("ellipse").first().evaluate(contrastOf);
        expect(contrast, `rings: ${colorScheme}`).toBeGreaterThan(3);
        await page.screenshot({ path: info.outputPath(`map-${colorScheme}.png`) });
      }
      await page.emulateMedia({ colorScheme: null });

      // All of them are one stop of Tab, from which keys lead around, to both ends and to the person.
      const stops = map.locator("a[tabindex='0']");
      await expect(stops).toHaveCount(1);
      await expect(map.locator("a[tabindex='-1']")).toHaveCount(PEERS - 1);
      await expect(page.getByRole("table").locator("a[tabindex='0']")).toHaveCount(1);
      await stops.focus();
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-rove"));
      const went = [await focused()];
      for (const key of ["ArrowRight", "ArrowDown", "End", "Home"]) {
        await page.keyboard.press(key);
        went.push(await focused());
      }
      const [first, second, third, last, home] = went;
      expect(new Set([first, second, third, last]).size).toBe(4);
      expect(home).toBe(first);
      await page.keyboard.press("ArrowLeft");
      expect(await focused(), "around").toBe(last);
      await expect(stops).toBeFocused();
      // The next stop is no other face.
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.closest("svg"))).toBeNull();
      const table = page.getByRole("table");
      await table.locator("a[tabindex='0']").focus();
      await page.keyboard.press("End");
      await expect(table.getByRole("link", { name: "Friend 200", exact: true })).toBeFocused();

      // Plots over time: lines are drawn, and the last numbers stand beside them.
      const plots = page.getByRole("figure");
      await expect(plots).toHaveCount(2);
      await expect(plots.first().getByText(/\/s/).first()).toBeVisible();
      await expect(plots.last().getByText(/ms/).first()).toBeVisible();
      const ink = () =>
        plots
          .first()
          .locator("canvas")
          .evaluate((canvas: HTMLCanvasElement) => {
            const { width, height } = canvas;
            const context = canvas.getContext("2d");
            if (!context) return 0;
            const pixels = context.getImageData(0, 0, width, height).data;
            // What the theme calls the colour of the first line, as a canvas has it; axes and rules have others.
            const of = document.createElement("canvas").getContext("2d");
            if (!of) return 0;
            of.fillStyle = getComputedStyle(canvas).getPropertyValue("--accent");
            of.fillRect(0, 0, 1, 1);
            const line = of.getImageData(0, 0, 1, 1).data;
            const isNear = (at: number) =>
              [0, 1, 2].every((part) => Math.abs((pixels[at + part] ?? 0) - (line[part] ?? 0)) < 24);
            let drawn = 0;
            for (let at = 0; at < pixels.length; at += 4)
              if ((pixels[at + 3] ?? 0) > 128 && isNear(at)) drawn += 1;
            return drawn;
          });
      await expect.poll(ink).toBeGreaterThan(50);
      await page.screenshot({ path: info.outputPath("network.png"), fullPage: true });
      await page.evaluate(() => Object.assign(window, { isCalm: true }));
      await isSound(page, `network on ${screen}`);
      await stops.focus();
      const leads = await stops.getAttribute("href");
      await page.keyboard.press("Enter");
      await expect(page).toHaveURL((url) => url.hash === leads);
    } finally {
      await world.end();
    }
  });
}
