import { describe, expect, it } from "vitest";
import { FITTED, panned, swiped, zoomed } from "./zoom";

const screen = { width: 1000, height: 600 };

describe("a picture", () => {
  it("is enlarged around the pointer", () => {
    const view = zoomed(FITTED, 2, { x: 100, y: -50 }, screen);
    expect(view).toEqual({ scale: 2, x: -100, y: 50 });
  });

  it("is never smaller than fitted, nor larger than is of use", () => {
    expect(zoomed(FITTED, 0.1, { x: 300, y: 0 }, screen)).toEqual(FITTED);
    expect(zoomed(FITTED, 1000, { x: 0, y: 0 }, screen).scale).toBe(8);
  });

  it("does not leave the screen", () => {
    const large = zoomed(FITTED, 2, { x: 0, y: 0 }, screen);
    expect(panned(large, 9999, -9999, screen)).toEqual({ scale: 2, x: 500, y: -300 });
    expect(panned(FITTED, 50, 50, screen)).toEqual(FITTED);
  });
});

describe("a swipe", () => {
  it("leads on, back or out", () => {
    expect(swiped(-120, 10, 200)).toBe("next");
    expect(swiped(120, 10, 200)).toBe("previous");
    expect(swiped(10, 150, 200)).toBe("close");
  });

  it("is none when it is short, slow or aslant", () => {
    expect(swiped(-20, 0, 100)).toBeNull();
    expect(swiped(-120, 0, 2000)).toBeNull();
    expect(swiped(-120, 110, 200)).toBeNull();
  });
});
