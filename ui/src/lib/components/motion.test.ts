import { afterEach, expect, test, vi } from "vitest";
import { scrolling } from "./motion";

afterEach(() => vi.unstubAllGlobals());

test("who asked for less motion sees nothing glide", () => {
  for (const isLess of [true, false]) {
    vi.stubGlobal("matchMedia", (query: string) => ({
      matches: isLess && query === "(prefers-reduced-motion: reduce)",
    }));
    expect(scrolling()).toBe(isLess ? "instant" : "smooth");
  }
});
