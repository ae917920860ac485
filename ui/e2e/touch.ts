// Fingers on a screen, as the browser's own protocol moves them: what the app gets are a phone's pointer events.
import type { CDPSession, Page } from "@playwright/test";

export interface Point {
  x: number;
  y: number;
}

/** So many steps of a movement: fewer look like a jump. */
const STEPS = 8;
/** Between one touch and the next, in seconds; on a clock of their own, so that a slow machine swipes as quickly as a fast one. */
const STEP_SECONDS = 0.012;

export class Fingers {
  #now = Date.now() / 1000;

  private constructor(private readonly session: CDPSession) {}

  static async on(page: Page): Promise<Fingers> {
    return new Fingers(await page.context().newCDPSession(page));
  }

  /** Fingers that go down, each along a line of its own, and up again. */
  async move(...lines: [Point, Point][]): Promise<void> {
    const at = (part: number) =>
      lines.map(([from, to], id) => ({
        id,
        x: from.x + (to.x - from.x) * part,
        y: from.y + (to.y - from.y) * part,
      }));
    await this.#send("touchStart", at(0));
    for (let step = 1; step <= STEPS; step += 1) await this.#send("touchMove", at(step / STEPS));
    await this.#send("touchEnd", []);
  }

  async tap(at: Point): Promise<void> {
    await this.#send("touchStart", [{ id: 0, ...at }]);
    await this.#send("touchEnd", []);
  }

  /** What follows has nothing to do with what was before. */
  rest(): void {
    this.#now += 1;
  }

  async #send(
    type: "touchStart" | "touchMove" | "touchEnd",
    touchPoints: (Point & { id: number })[],
  ): Promise<void> {
    this.#now += STEP_SECONDS;
    await this.session.send("Input.dispatchTouchEvent", { type, touchPoints, timestamp: this.#now });
  }
}
