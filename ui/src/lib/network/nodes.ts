// What is on the map: the sessions of this node and its introducers, as one kind of thing.

import type { Network } from "../api/client";
import type { Rate } from "../state/rates";
import { short } from "../text/format";
import { t } from "../text/strings";

export interface MapNode extends Rate {
  id: string;
  kind: "contact" | "stranger" | "introducer";
  /** Where there is one: the peer behind it. */
  peer: string | null;
  name: string;
  path: "direct" | "relay" | "none";
  rtt: number | null;
  /** Who told where they are, when they were looked for last; a key of `t.people.sources`. */
  foundBy: string | null;
  bytesSent: number;
  bytesReceived: number;
  /** Of an introducer: whether it answered when it was asked last. */
  answers?: boolean;
}

/** What the table is in the order of. */
export type Order = "name" | "path" | "rtt" | "bytesReceived" | "bytesSent";

/** Those whose name has this in it, in an order; nothing said, as they are told. Who was not measured comes last. */
export function arranged(nodes: MapNode[], search: string, order: Order | null): MapNode[] {
  const wanted = search.trim().toLowerCase();
  const found = nodes.filter((node) => node.name.toLowerCase().includes(wanted));
  if (order === null) return found;
  return found.toSorted((one, other) => {
    const byName = one.name.localeCompare(other.name, undefined, { numeric: true });
    if (order === "name") return byName;
    if (order === "path") return one.path.localeCompare(other.path) || byName;
    if (order === "rtt") return (one.rtt ?? Infinity) - (other.rtt ?? Infinity) || byName;
    return other[order] - one[order] || byName;
  });
}

export function nodesOf(network: Network, each: Rate[]): MapNode[] {
  const sessions = network.sessions.map((session, at): MapNode => {
    const rate = each[at] ?? { sent: 0, received: 0 };
    return {
      id: `${session.device_id} ${session.face}`,
      kind: session.name ? "contact" : "stranger",
      peer: session.peer_id ?? null,
      name: session.name ?? (session.peer_id ? short(session.peer_id) : t.network.stranger),
      path: session.path,
      rtt: session.rtt_ms ?? null,
      foundBy: session.found_by ?? null,
      bytesSent: session.bytes_sent,
      bytesReceived: session.bytes_received,
      ...rate,
    };
  });
  const introducers = network.introducers.map((introducer, at): MapNode => {
    const name =
      network.introducers.length === 1 ? t.network.introducer : `${t.network.introducer} ${at + 1}`;
    return {
      id: introducer.device_id,
      kind: "introducer",
      peer: null,
      name,
      path: "none",
      answers: introducer.answers,
      rtt: introducer.rtt_ms ?? null,
      foundBy: null,
      bytesSent: introducer.bytes_sent,
      bytesReceived: introducer.bytes_received,
      // What goes through it now is told with whom it goes to.
      sent: 0,
      received: 0,
    };
  });
  return [...introducers, ...sessions];
}
