import { beforeEach, expect, test, vi } from "vitest";
import * as api from "../api/client";
import { Handing } from "./handing.svelte";

vi.mock("../api/client", async (original) => ({
  ...(await original<typeof api>()),
  recognise: vi.fn(),
}));
const recognise = vi.mocked(api.recognise);
beforeEach(() => {
  recognise.mockReset();
});

const told = {
  invite: {
    kind: "invite",
    text: "kith:invite1qqq",
    peer_id: "peer1ann",
    suggested_name: "Ann",
    own: false,
    expired: false,
    expires: 0,
    reusable: false,
    contact: null,
  },
  link: {
    kind: "link",
    text: "kith:link1qqq",
    name: "Papers",
    peer_id: "peer1ann",
    share_id: "share1",
    own: false,
    opens: true,
    contact: "ann",
  },
} as const;

async function handed(text: string): Promise<Handing> {
  const handing = new Handing(text);
  handing.look();
  // The answer, or the failure, is known in the turn after next.
  await new Promise((resolve) => setTimeout(resolve));
  return handing;
}

test("an invite and a link are each taken for what they are, whatever stands around them", async () => {
  recognise.mockResolvedValue(told.invite);
  const invite = await handed("Here: KITH:INVITE1QQQ. See you!");
  expect([invite.usable, invite.complaint]).toEqual([{ kind: "invite", text: "kith:invite1qqq" }, null]);
  expect(invite.told).toContain("“Ann”");
  recognise.mockResolvedValue(told.link);
  const link = await handed("kith:link1qqq");
  expect([link.usable, link.complaint]).toEqual([{ kind: "link", text: "kith:link1qqq" }, null]);
  expect(link.told).toBe("A link to “Papers”, from ann.");
});

test("what is neither, over, one's own or damaged can be used for nothing, and says why", async () => {
  for (const text of ["good morning", "kith:introducer1qq", "peer1qqqq"]) {
    const neither = await handed(text);
    expect([neither.usable, neither.told]).toEqual([null, undefined]);
    expect(neither.complaint).not.toBeNull();
  }
  expect(recognise).not.toHaveBeenCalled();
  for (const [change, words] of [
    [{ own: true }, /yourself/],
    [{ expired: true }, /over/],
  ] as const) {
    recognise.mockResolvedValue({ ...told.invite, ...change });
    const refused = await handed("kith:invite1qqq");
    expect(refused.complaint).toMatch(words);
    expect(refused.usable).toBeNull();
  }
  recognise.mockRejectedValue(new api.ApiError("usage", "a letter is wrong"));
  const damaged = await handed("kith:link1qqq");
  expect([damaged.usable, damaged.complaint]).toEqual([null, "A letter is wrong. Change it, and try again."]);
});

test("an invite from a contact is taken: after a block nothing else leads back", async () => {
  recognise.mockResolvedValue({ ...told.invite, contact: "Annie" });
  const again = await handed("kith:invite1qqq");
  expect([again.usable?.kind, again.complaint]).toEqual(["invite", null]);
  expect(again.told).toMatch(/Annie.*meet again/);
});

test("a node that does not answer stands in nobody's way", async () => {
  recognise.mockRejectedValue(new api.ApiError("away", "the node does not answer"));
  expect((await handed("kith:link1qqq")).usable?.kind).toBe("link");
});
