import { beforeEach, expect, test, vi } from "vitest";
import * as api from "../api/client";
import { toasts } from "../state/toasts.svelte";
import { uploads } from "./upload.svelte";

vi.mock("../api/client", async (original) => ({
  ...(await original<typeof api>()),
  addFile: vi.fn(),
  shares: () => Promise.resolve([]),
}));
const addFile = vi.mocked(api.addFile);
beforeEach(() => {
  addFile.mockReset();
  uploads.all = [];
});

const files = (...paths: string[]) => paths.map((path) => ({ path, file: new File(["x"], path) }));

test("what was to be added without its places is tried again without them", async () => {
  addFile.mockRejectedValue(new api.ApiError("failed", "there is no space left"));
  const first = uploads.start("album", files("a.jpg"), true);
  await vi.waitUntil(() => first.isOver);
  expect(first.left.map(({ path }) => path)).toEqual(["a.jpg"]);
  addFile.mockResolvedValue();
  const second = uploads.again(first);
  await vi.waitUntil(() => second.isOver);
  expect(second.done).toBe(1);
  expect(addFile.mock.calls.map(([, path, , isBare]) => [path, isBare])).toEqual([
    ["a.jpg", true],
    ["a.jpg", true],
  ]);
});

test("what the node cannot take at all is told, and not tried again", async () => {
  addFile.mockImplementation((_, path) =>
    Promise.reject(
      path === "film.mp4"
        ? new api.ApiError("usage", "nothing could be left out of it")
        : new api.ApiError("away", "the node does not answer"),
    ),
  );
  const upload = uploads.start("album", files("film.mp4", "a.jpg"), true);
  await vi.waitUntil(() => upload.isOver);
  expect(upload.failedCount).toBe(2);
  expect(upload.failed.map(({ path }) => path).toSorted()).toEqual(["a.jpg", "film.mp4"]);
  expect(upload.left.map(({ path }) => path)).toEqual(["a.jpg"]);
});

test("an upload that is cancelled says how far it came", async () => {
  addFile.mockImplementation((_, path, __, ___, ____, signal) =>
    path === "a.jpg"
      ? Promise.resolve()
      : new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError"))),
        ),
  );
  const upload = uploads.start("album", files("a.jpg", "b.jpg", "c.jpg"));
  await vi.waitUntil(() => upload.done === 1);
  upload.stop();
  await vi.waitUntil(() => upload.isOver);
  expect(upload.failedCount).toBe(0);
  expect(toasts.all.at(-1)?.text).toBe("Stopped: 1 of 3 files added");
});

test("an upload that is over hides none that is not", async () => {
  const ends: (() => void)[] = [];
  addFile.mockImplementation((_, path) =>
    path === "late.jpg" ? new Promise((resolve) => ends.push(resolve)) : Promise.resolve(),
  );
  const first = uploads.start("album", files("late.jpg"));
  const second = uploads.start("album", files("a.jpg"));
  await vi.waitUntil(() => second.isOver);
  expect(uploads.shown).toEqual([first]);
  addFile.mockRejectedValue(new api.ApiError("failed", "there is no space left"));
  const third = uploads.start("album", files("b.jpg"));
  await vi.waitUntil(() => third.isOver);
  ends.forEach((end) => end());
  await vi.waitUntil(() => first.isOver);
  expect(uploads.shown).toEqual([third]);
  uploads.dismiss(third);
  expect(uploads.shown).toEqual([]);
});

test("an upload that waits for others is cancelled, and one that is done waits for nobody", async () => {
  const ends: (() => void)[] = [];
  addFile.mockImplementation(() => new Promise((resolve) => ends.push(resolve)));
  const large = uploads.start("large", files("a.mkv", "b.mkv", "c.mkv"));
  await vi.waitUntil(() => ends.length === 3);
  const cancelled = uploads.start("album", files("a.jpg"));
  cancelled.stop();
  await vi.waitUntil(() => cancelled.isOver);
  const small = uploads.start("album", files("a.jpg", "b.jpg"));
  ends[0]?.();
  await vi.waitUntil(() => ends.length === 4);
  ends[3]?.();
  await vi.waitUntil(() => ends.length === 5);
  ends[4]?.();
  await vi.waitUntil(() => small.isOver);
  expect([small.done, large.isOver]).toEqual([2, false]);
  ends.forEach((end) => end());
  await vi.waitUntil(() => large.isOver);
});
