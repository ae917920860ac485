import { describe, expect, it } from "vitest";
import type { Listed } from "../api/client";
import { isAlbum, kindOf, sorted, unpreviewed } from "./kinds";

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
