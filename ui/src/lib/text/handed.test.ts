import { describe, expect, it } from "vitest";
import { classify } from "./handed";

const invite = "kith:invite13gq4sgyajeplzt0uce9qm3mz2nkcvve437gzqr3p899kcze0xjjxvf5fl9vz";

describe("what was handed over", () => {
  it("is an invite, however it is wrapped", () => {
    const expected = { kind: "invite", text: invite };
    expect(classify(invite)).toEqual(expected);
    expect(classify(`  ${invite}\n`)).toEqual(expected);
    expect(classify(invite.toUpperCase())).toEqual(expected);
    expect(classify(`Here you are: ${invite}, see you!`)).toEqual(expected);
  });

  it("is told apart from a link, an introducer and a peer", () => {
    expect(classify("kith:link1suq4sg9mhl7").kind).toBe("link");
    expect(classify("kith:introducer1suq4sgrq").kind).toBe("introducer");
    expect(classify("peer149tww0j55lv2ll5rg2aj").kind).toBe("peer");
  });

  it("is nothing we know when it is something else", () => {
    expect(classify("https://example.org/").kind).toBe("unknown");
    expect(classify("<script>alert(1)</script>").kind).toBe("unknown");
    expect(classify("x".repeat(100_000)).kind).toBe("unknown");
    expect(classify(" \n").kind).toBe("nothing");
  });
});
