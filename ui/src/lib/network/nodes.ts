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
