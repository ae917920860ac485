import decodeQR from "qr/decode.js";
import { expect, test } from "vitest";
import { cellsOf } from "./qr";

/** What a reader makes of it, four pixels for each cell. */
function read(cells: boolean[][]): string {
  const side = cells.length * 4;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (let at = 0; at < side * side; at += 1) {
    const isDark = cells[Math.floor(at / side / 4)]?.[Math.floor((at % side) / 4)];
    if (isDark) data.fill(0, at * 4, at * 4 + 3);
  }
  return decodeQR({ width: side, height: side, data });
}

test("the longest invite that core makes is drawn, and read again", () => {
  // 2,600 bytes, five bits to a letter.
  const invite = `kith:invite1${"q".repeat(4160)}`;
  const cells = cellsOf(invite);
  expect(cells && read(cells)).toBe(invite.toUpperCase());
});

test("what no code holds is told apart", () => {
  expect(cellsOf(`kith:link1${"q".repeat(4296 - 10)}`)).not.toBeNull();
  expect(cellsOf(`kith:link1${"q".repeat(4297 - 10)}`)).toBeNull();
  expect(cellsOf("ä".repeat(1477))).toBeNull();
});
