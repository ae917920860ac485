// A film made by the browser's own encoder, in a container written here (WebM: EBML, RFC 8794; Matroska, RFC 9559), so that none has to be
// kept. Its index lies in front, as a file made for the web has it.
import type { Page } from "@playwright/test";
import type { Picture } from "./pictures";

const SIDE = { width: 320, height: 240 };

/** One picture of VP8 a second, each of which can be begun with. */
async function frames(page: Page, seconds: number): Promise<Buffer[]> {
  const texts = await page.evaluate(
    async ({ seconds, width, height }) => {
      const encoded: string[] = [];
      const encoder = new VideoEncoder({
        output: (chunk) => {
          const bytes = new Uint8Array(chunk.byteLength);
          chunk.copyTo(bytes);
          encoded.push(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
        },
        error: (error) => {
          throw error;
        },
      });
      encoder.configure({ codec: "vp8", width, height, bitrate: 200_000, framerate: 1 });
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      for (let at = 0; at < seconds; at += 1) {
        context.fillStyle = `hsl(${(at * 360) / seconds} 70% 50%)`;
        context.fillRect(0, 0, width, height);
        const frame = new VideoFrame(canvas, { timestamp: at * 1e6, duration: 1e6 });
        encoder.encode(frame, { keyFrame: true });
        frame.close();
      }
      await encoder.flush();
      encoder.close();
      return encoded;
    },
    { seconds, ...SIDE },
  );
  return texts.map((text) => Buffer.from(text, "base64"));
}

function wide(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** An element: its id, its length in eight bytes, and what is in it. */
function element(id: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = wide(body.length);
  length[0] = 1;
  return Buffer.concat([Buffer.from(id, "hex"), length, body]);
}

const number = (id: string, value: number) => element(id, wide(value));
const text = (id: string, value: string) => element(id, Buffer.from(value));

function float(id: string, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return element(id, bytes);
}

/** A film of so many seconds and about so many bytes: what its pictures do not take is filled with nothing. */
export async function makeFilm(page: Page, name: string, seconds: number, bytes: number): Promise<Picture> {
  const filling = element("ec", Buffer.alloc(Math.max(0, Math.floor(bytes / seconds) - 2_000)));
  const clusters = (await frames(page, seconds)).map((frame, at) =>
    element(
      "1f43b675",
      number("e7", at * 1000),
      // Track 1, at the cluster's own time, to be begun with.
      element("a3", Buffer.from([0x81, 0, 0, 0x80]), frame),
      filling,
    ),
  );
  const head = element(
    "1a45dfa3",
    number("4286", 1),
    number("42f7", 1),
    number("42f2", 4),
    number("42f3", 8),
    text("4282", "webm"),
    number("4287", 4),
    number("4285", 2),
  );
  const info = element(
    "1549a966",
    number("2ad7b1", 1_000_000),
    float("4489", seconds * 1000),
    text("4d80", "kith"),
    text("5741", "kith"),
  );
  const video = element("e0", number("b0", SIDE.width), number("ba", SIDE.height));
  const track = element(
    "ae",
    number("d7", 1),
    number("73c5", 1),
    number("9c", 0),
    number("83", 1),
    text("86", "V_VP8"),
    video,
  );
  const tracks = element("1654ae6b", track);
  // Numbers take eight bytes whatever they are, so the index is as long before it is known as after.
  const index = (positions: number[]) =>
    element(
      "1c53bb6b",
      ...positions.map((position, at) =>
        element("bb", number("b3", at * 1000), element("b7", number("f7", 1), number("f1", position))),
      ),
    );
  let position = info.length + tracks.length + index(clusters.map(() => 0)).length;
  const positions = clusters.map((cluster) => {
    const at = position;
    position += cluster.length;
    return at;
  });
  const segment = element("18538067", info, tracks, index(positions), ...clusters);
  return { name, mimeType: "video/webm", buffer: Buffer.concat([head, segment]) };
}
