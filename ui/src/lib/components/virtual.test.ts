import { describe, expect, it } from "vitest";
import { led } from "./virtual";

const press = (key: string, held: Partial<KeyboardEvent> = {}) => ({
  key,
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  ...held,
});

describe("what is in sight", () => {
  it("is walked by arrows, and not over its edges", () => {
    expect(led(press("ArrowRight"), 0, 4, 10)).toBe(1);
    expect(led(press("ArrowDown"), 2, 4, 10)).toBe(6);
    expect(led(press("ArrowUp"), 2, 4, 10)).toBeNull();
    expect(led(press("ArrowDown"), 8, 4, 10)).toBeNull();
    expect(led(press("End"), 0, 4, 10)).toBe(9);
    expect(led(press("x"), 0, 4, 10)).toBeNull();
    expect(led(press("ArrowDown"), 8, 1, 10)).toBe(9);
  });

  it("is walked with Shift where that means a range", () => {
    expect(led(press("ArrowDown", { shiftKey: true }), 2, 4, 10, true)).toBe(6);
    expect(led(press("ArrowDown", { shiftKey: true, altKey: true }), 2, 4, 10, true)).toBeNull();
  });

  it("is left to the browser while another key is held", () => {
    for (const held of ["altKey", "ctrlKey", "metaKey", "shiftKey"] as const) {
      expect(led(press("ArrowDown", { [held]: true }), 2, 4, 10)).toBeNull();
    }
  });
});
