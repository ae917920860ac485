// The colours and spots of an avatar, from a PeerId: the same on every machine.

export interface Face {
  ground: string;
  spots: { x: number; y: number; r: number; fill: string }[];
}

/** Dark enough for a white letter at 3 : 1 and more, in every hue. */
const LIGHTNESS = 0.5;
const CHROMA = 0.095;

/** FNV-1a (RFC 9923): no secret hangs on it. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) {
    value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return value;
}

function colour(hue: number, lighter: number): string {
  return `oklch(${LIGHTNESS + lighter} ${CHROMA} ${Math.round(hue) % 360})`;
}

export function faceOf(peer: string): Face {
  const value = (salt: string, below: number) => hash(salt + peer) % below;
  const hue = value("hue", 360);
  const turn = value("turn", 2) === 0 ? 55 : -55;
  const spot = (salt: string, at: number, lighter: number, r: number) => ({
    x: 4 + value(`${salt}x`, 33),
    y: 4 + value(`${salt}y`, 33),
    r,
    fill: colour(hue + 360 + at, lighter),
  });
  return { ground: colour(hue, 0), spots: [spot("a", turn, 0.05, 17), spot("b", -turn / 2, -0.08, 12)] };
}
