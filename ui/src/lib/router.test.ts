import { describe, expect, it } from "vitest";
import { format, parse, type Route } from "./router";

describe("a route", () => {
  const routes: Route[] = [
    { page: "welcome" },
    { page: "albums" },
    { page: "album", peer: null, share: "share1x", path: "", view: null },
    { page: "album", peer: "peer1x", share: "share1x", path: "a b/50%", view: "q?#&=.jpg" },
    { page: "files" },
    { page: "folder", peer: "peer1x", share: "share1x", path: "deep/er", view: null },
    { page: "folder", peer: null, share: "share1x", path: "", view: "a b.jpg" },
    { page: "transfers" },
    { page: "people" },
    { page: "person", peer: "peer1x" },
    { page: "network" },
    { page: "settings" },
  ];

  it("is what its hash says", () => {
    for (const route of routes) expect(parse(format(route))).toEqual(route);
  });

  it("begins with the albums", () => {
    for (const hash of ["", "#", "#/", "#/albums"]) expect(parse(hash)).toEqual({ page: "albums" });
  });

  it("is missing where there is nothing, and nothing in a hash throws", () => {
    for (const hash of ["#/nowhere", "#/albums/mine", "#/%E0%A4%A"]) expect(parse(hash).page).toBe("missing");
  });
});
