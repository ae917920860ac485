import { describe, expect, it } from "vitest";
import type { Listed } from "../api/client";
import { isAlbum, kindOf, sorted, sortOf, unpreviewed } from "./kinds";

const file = (name: string): Listed => ({ kind: "file", name, bytes: 1, files: 1 });
const folder = (name: string): Listed => ({ kind: "directory", name, bytes: 1, files: 1 });

describe("a file", () => {
  it("is what the end of its name says, and nothing that runs", () => {
    expect(kindOf("a.JPG")).toBe("picture");
    expect(kindOf("film.tar.mp4")).toBe("video");
    for (const name of ["drawing.svg", "page.html", "jpg", ".jpg.exe", ""])
      expect(kindOf(name)).toBe("other");
  });
});

describe("a picture without a preview", () => {
  it("is told by its kind, as people call it", () => {
    expect(unpreviewed("IMG_1.HEIC")).toBe("HEIC");
    expect(unpreviewed("a.heif")).toBe("HEIC");
    expect(unpreviewed("a.avif")).toBe("AVIF");
    for (const name of ["a.jpg", "avif", "a.avif.png", ""]) expect(unpreviewed(name)).toBeNull();
  });
});

describe("a folder", () => {
  it("is an album when most of it are pictures", () => {
    expect(isAlbum([file("1.jpg"), file("2.mp4"), file("notes.txt")])).toBe(true);
    expect(isAlbum([])).toBe(true);
    expect(isAlbum([file("1.jpg"), file("a.pdf"), file("b.pdf")])).toBe(false);
    expect(isAlbum([folder("code")])).toBe(false);
  });

  it("is sorted as people count, folders first", () => {
    const names = sorted([file("IMG_10.jpg"), file("img_9.jpg"), folder("z")]).map((entry) => entry.name);
    expect(names).toEqual(["z", "img_9.jpg", "IMG_10.jpg"]);
  });
});

describe("a share", () => {
  const tree = (folders: Record<string, Listed[]>) => sortOf((path) => Promise.resolve(folders[path] ?? []));
  const holding = (name: string, files: number): Listed => ({ ...folder(name), files });

  it("is judged where most of its files lie", async () => {
    expect(await tree({ "": [file("1.jpg"), file("notes.txt")] })).toBe("album");
    expect(await tree({ "": [file("report.pdf"), file("notes.txt"), file("1.jpg")] })).toBe("folder");
    const days = { "": [holding("day 1", 2), file("notes.txt")], "day 1": [file("1.jpg"), file("2.jpg")] };
    expect(await tree(days)).toBe("album");
    const papers = { "": [holding("2024", 3), holding("2025", 9)], "2025": [holding("taxes", 9)] };
    expect(await tree({ ...papers, "2025/taxes": Array.from({ length: 9 }, () => file("a.pdf")) })).toBe(
      "folder",
    );
    // The picture on top of a site is not what it is about.
    expect(await tree({ "": [file("index.html"), file("style.css"), holding("pictures", 2)] })).toBe(
      "folder",
    );
  });

  it("that has nothing in it may become an album", async () => {
    expect(await tree({})).toBe("album");
  });

  it("is looked into no deeper than people put their pictures", async () => {
    let asked = 0;
    const sort = await sortOf((path) => {
      asked += 1;
      return Promise.resolve([holding(`in ${path}`.slice(0, 9), 100)]);
    });
    expect([sort, asked]).toEqual(["folder", 5]);
  });
});
