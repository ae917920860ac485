// Where everybody stands on the map: oneself in the middle, others further out the longer their round trip takes, nobody on top of
// another. The direction follows from the PeerId, so that a map looks the same each time and does not jump when somebody leaves.

import {
  forceCollide,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationNodeDatum,
} from "d3-force";

export interface Place {
  id: string;
  x: number;
  y: number;
  r: number;
}

export interface Standing {
  id: string;
  /** Milliseconds; unknown for whoever was not measured yet. */
  rtt: number | null;
}

export interface Size {
  width: number;
  height: number;
}

/** A map in units of its own, scaled to the page: wide, or upright for a phone, where all of it is larger. */
export function sizeFor(pixels: number): Size {
  return pixels < 560 ? { width: 480, height: 560 } : { width: 1000, height: 620 };
}

/** Who answers within this time is next to us, and who takes this long is at the edge. */
const [RTT_NEAR, RTT_FAR] = [0.5, 500];
/** Where near and far are, of half the map's height. */
const [NEAR, FAR] = [0.34, 0.84];
/** How much people push each other away: a few spread out, a crowd has no room for it. */
const push = (count: number) => Math.max(20, Math.min(260, 2600 / count));
/** Enough to settle; a crowd moves less, and each step of it costs more. */
const ticks = (count: number) => (count > 60 ? 70 : 160);

/** How far out somebody stands, 0 to 1 of half the map. */
export function distance(rtt: number | null): number {
  if (rtt === null) return (NEAR + FAR) / 2;
  const at = Math.log(Math.max(RTT_NEAR, Math.min(RTT_FAR, rtt)) / RTT_NEAR) / Math.log(RTT_FAR / RTT_NEAR);
  return NEAR + at * (FAR - NEAR);
}

/** The size of a face, in map units, when so many are on the map. */
export function radius(count: number): number {
  return count <= 12 ? 30 : count <= 40 ? 22 : count <= 90 ? 15 : 10;
}

/** Where all stand. */
export function arrange(all: Standing[], { width, height }: Size): Map<string, Place> {
  const r = radius(all.length);
  interface Node extends SimulationNodeDatum {
    id: string;
    homeX: number;
    homeY: number;
  }
  const nodes: Node[] = all.map(({ id, rtt }) => {
    const angle = turn(id) * 2 * Math.PI;
    const out = distance(rtt);
    const [homeX, homeY] = [(Math.cos(angle) * out * width) / 2, (Math.sin(angle) * out * height) / 2];
    return { id, homeX, homeY, x: homeX, y: homeY };
  });
  const me: Node = { id: "", homeX: 0, homeY: 0, x: 0, y: 0, fx: 0, fy: 0 };
  // Names stand below faces, where there is room for names.
  const apart = (node: Node) => (node === me ? 70 : r + (all.length <= 40 ? 22 : 4));
  forceSimulation([me, ...nodes])
    .force("x", forceX<Node>((node) => node.homeX).strength(0.25))
    .force("y", forceY<Node>((node) => node.homeY).strength(0.25))
    .force("charge", forceManyBody<Node>().strength(-push(all.length)).distanceMax(240))
    .force("apart", forceCollide<Node>(apart).iterations(3))
    .stop()
    .tick(ticks(all.length));
  const within = (value: number | undefined, most: number) => Math.max(-most, Math.min(most, value ?? 0));
  return new Map(
    nodes.map((node) => {
      const [x, y] = [within(node.x, width / 2 - r - 8), within(node.y, height / 2 - r - 26)];
      return [node.id, { id: node.id, x: x + width / 2, y: y + height / 2, r }];
    }),
  );
}

/** A direction, 0 to 1, from an id. */
function turn(id: string): number {
  let value = 2166136261;
  for (const character of id) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 16777619) >>> 0;
  return value / 2 ** 32;
}
