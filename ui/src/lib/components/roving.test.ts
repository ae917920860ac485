import { expect, test } from "vitest";
import { Roving, stepped } from "./roving.svelte";

test("keys lead from one to the next, around, and to both ends", () => {
  expect(stepped("ArrowRight", 0, 3)).toBe(1);
  expect(stepped("ArrowDown", 2, 3)).toBe(0);
  expect(stepped("ArrowLeft", 0, 3)).toBe(2);
  expect(stepped("ArrowUp", 2, 3)).toBe(1);
  expect(stepped("Home", 2, 3)).toBe(0);
  expect(stepped("End", 0, 3)).toBe(2);
  expect(stepped("Enter", 0, 3)).toBeNull();
  expect(stepped("End", 0, 0)).toBeNull();
});

test("Tab leads to where the focus was, and to the first where that is gone", () => {
  let ids = ["ann", "bob", "cat"];
  const roving = new Roving(() => ids);
  expect(roving.stop).toBe("ann");
  roving.visit("bob");
  expect(roving.stop).toBe("bob");
  ids = ["cat"];
  expect(new Roving(() => ids).stop).toBe("cat");
});
