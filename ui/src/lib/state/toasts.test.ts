import { expect, test } from "vitest";
import { ApiError } from "../api/client";
import { toasts } from "./toasts.svelte";

test("what has happened is shown in front of a dialog, and behind it when that is closed", () => {
  const [page, dialog] = [Symbol("page"), Symbol("dialog")];
  const leavePage = toasts.enter(page);
  toasts.say("Saved");
  expect(toasts.in(page)).toHaveLength(1);
  const leave = toasts.enter(dialog);
  expect([toasts.in(page).length, toasts.in(dialog).length]).toEqual([0, 1]);
  leave();
  expect(toasts.in(page)).toHaveLength(1);
  leavePage();
});

test("that the node did not answer is over when it does; other failures stay", () => {
  toasts.fail(new ApiError("away", "the node does not answer"));
  toasts.fail(new ApiError("failed", "the disk is full"));
  toasts.heal();
  const bad = toasts.all.filter(({ tone }) => tone === "bad").map(({ text }) => text);
  expect(bad).toEqual([expect.stringContaining("The disk is full")]);
});
