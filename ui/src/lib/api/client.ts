// The one door to the daemon: every call the app makes, typed by the daemon's own OpenAPI document. What a call failed with is an
// `ApiError` with the daemon's words, which are meant for people.

import createClient from "openapi-fetch";
import { advised } from "../text/advice";
import { encodePath, safeText } from "../text/safe";
import type { ErrorKind } from "./failure";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Contact = Schemas["ContactInfo"];
export type NodeInfo = Schemas["NodeInfo"];
export type Status = Schemas["Status"];
export type Session = Schemas["Session"];
export type Share = Schemas["ShareInfo"];
export type Listed = Schemas["Listed"];
export type Remembered = Schemas["RememberedInfo"];
export type Transfer = Schemas["TransferInfo"];
export type KeptWhy = Schemas["KeptWhy"];
export type TransferSource = Schemas["TransferSource"];
export type Limits = Schemas["LimitsInfo"];
export type Settings = Schemas["SettingsInfo"];
export type SettingsChange = Schemas["SettingsChange"];
export type IntroducerInfo = Schemas["IntroducerInfo"];
export type Network = Schemas["NetworkInfo"];
export type NetworkSession = Schemas["NetworkSession"];
export type Browser = Schemas["BrowserInfo"];
export type Recognised = Schemas["RecognisedText"];
export type LimitsChange = Schemas["LimitsChange"];
export type Period = Schemas["PeriodInfo"];
export type InviteMade = Schemas["InviteMade"];
export type OpenInvite = Schemas["OpenInvite"];
export type SafetyWords = Schemas["SafetyWords"];
export type Check = Schemas["Check"];
export type TracesInfo = Schemas["TracesInfo"];
export type TraceStep = Schemas["TraceStep"];
export type ShareRequest = Schemas["ShareRequest"];
export type GetRequest = Schemas["GetRequest"];
export type FolderInfo = Schemas["FolderInfo"];

/** A failed call, with words for people. */
export class ApiError extends Error {
  readonly kind: ErrorKind;
  /** What somebody was to be called is what is wrong, and nothing else. */
  readonly isOfName: boolean;

  constructor(kind: ErrorKind, message: string, isOfName = false) {
    super(message);
    this.name = "ApiError";
    this.kind = kind;
    this.isOfName = isOfName;
  }
}

/** What went wrong, in words, whatever it was; they may hold names of peers. */
export function wordsOf(error: unknown): string {
  return safeText(error instanceof Error ? error.message : String(error));
}

/** The same with what to do next, where the words do not say it: the daemon says it behind a semicolon, or asks. */
export function adviceOf(error: unknown): string {
  const words = wordsOf(error);
  return advised(words, error instanceof ApiError ? error.kind : "failed");
}

/** The same, where it is to be said at the field of a name. */
export function adviceOfName(error: unknown): string | null {
  return error instanceof ApiError && error.isOfName ? adviceOf(error) : null;
}

const BASE = "/api/v1";

const AWAY = "the node on this computer does not answer";

/** What a browser says of a call that was broken off by neither side's wish, in words; one that was given up stays that. */
function broken(error: unknown): never {
  if (error instanceof DOMException && error.name === "AbortError") throw error;
  throw new ApiError("away", AWAY);
}

const client = createClient<paths>({
  // Tests run where there is no page.
  baseUrl: typeof location === "undefined" ? "http://localhost" : location.origin,
  fetch: (request) => fetch(request).catch(broken),
});

interface Outcome<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer of a call, or its failure thrown. */
async function answer<T>(call: Promise<Outcome<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw failure(response.status, error);
}

/** A failure as the daemon tells it; a proxy or a browser may have put something else in its place. */
export function failure(status: number, body: unknown): ApiError {
  if (status === 401) return new ApiError("locked", "this browser is not let in any more");
  if (typeof body === "object" && body !== null && "message" in body && typeof body.message === "string") {
    const kind = "kind" in body && typeof body.kind === "string" ? body.kind : "failed";
    return new ApiError(kind as ErrorKind, body.message, "of_name" in body && body.of_name === true);
  }
  return status >= 502 && status <= 504
    ? new ApiError("away", AWAY)
    : new ApiError("failed", `the node answered with ${status}`);
}

export const node = () => answer(client.GET("/api/v1/node"));
export const status = () => answer(client.GET("/api/v1/status"));
export const examine = () => answer(client.POST("/api/v1/doctor"));

export const settings = () => answer(client.GET("/api/v1/settings"));
export const changeSettings = (change: SettingsChange) =>
  answer(client.POST("/api/v1/settings", { body: change }));
export const addIntroducer = (line: string) => answer(client.POST("/api/v1/introducers", { body: { line } }));
export const removeIntroducer = (line: string) =>
  answer(client.POST("/api/v1/introducers/remove", { body: { line } }));
export const browsers = () => answer(client.GET("/api/v1/web/browsers"));
export const endBrowser = (id: number) =>
  answer(client.DELETE("/api/v1/web/browsers/{id}", { params: { path: { id } } }));
/** What a text is that somebody pasted; the names in it are its maker's own words. */
export const recognise = (text: string) => answer(client.POST("/api/v1/recognise", { body: { text } }));

export const contacts = () => answer(client.GET("/api/v1/contacts"));
export const contact = (name: string) =>
  answer(client.GET("/api/v1/contacts/{name}", { params: { path: { name } } }));
export const addContact = (invite: string, name: string | null) =>
  answer(client.POST("/api/v1/contacts", { body: { invite, name } }));
export const removeContact = (name: string) =>
  answer(client.DELETE("/api/v1/contacts/{name}", { params: { path: { name } } }));
export const renameContact = (name: string, to: string) =>
  answer(client.POST("/api/v1/contacts/{name}/rename", { params: { path: { name } }, body: { name: to } }));
export const tagContact = (name: string, add: string[], remove: string[]) =>
  answer(client.POST("/api/v1/contacts/{name}/tags", { params: { path: { name } }, body: { add, remove } }));
export const noteContact = (name: string, note: string) =>
  answer(client.POST("/api/v1/contacts/{name}/note", { params: { path: { name } }, body: { note } }));
export const confirmContact = (name: string) =>
  answer(client.POST("/api/v1/contacts/{name}/confirm", { params: { path: { name } } }));
export const blockContact = (name: string) =>
  answer(client.POST("/api/v1/contacts/{name}/block", { params: { path: { name } } }));
export const unblockContact = (name: string) =>
  answer(client.POST("/api/v1/contacts/{name}/unblock", { params: { path: { name } } }));
export const safetyWords = (name: string) =>
  answer(client.GET("/api/v1/contacts/{name}/words", { params: { path: { name } } }));
export const liveWords = (name: string, signal: AbortSignal) =>
  answer(client.POST("/api/v1/contacts/{name}/words/live", { params: { path: { name } }, signal }));

export const makeInvite = (reusable: boolean, seconds: number, addresses: boolean) =>
  answer(client.POST("/api/v1/invites", { body: { reusable, seconds, addresses } }));
/** The invites that can still be used. */
export const invites = () => answer(client.GET("/api/v1/invites"));
export const endInvite = (id: string) =>
  answer(client.DELETE("/api/v1/invites/{id}", { params: { path: { id } } }));

export const shares = () => answer(client.GET("/api/v1/shares"));
/** One of them, with what is not in it by name. */
export const oneShare = (share: string) =>
  answer(client.GET("/api/v1/shares/{share}", { params: { path: { share } } }));
export const share = (request: ShareRequest) => answer(client.POST("/api/v1/shares", { body: request }));
export const setAudience = (share: string, audience: Audience, named: string[]) =>
  answer(
    client.POST("/api/v1/shares/{share}/audience", {
      params: { path: { share } },
      body: { audience, with: named },
    }),
  );
export const unshare = (share: string) =>
  answer(client.DELETE("/api/v1/shares/{share}", { params: { path: { share } } }));
/** Takes an album back, and deletes all that was put into it. */
export const deleteAlbum = (album: string) =>
  answer(client.DELETE("/api/v1/albums/{album}", { params: { path: { album } } }));
/** What somebody shares, or what lies in a folder of it. Only as far as that is known here, where nobody is to be asked. */
export const list = (path: string, here = false) =>
  answer(client.GET("/api/v1/ls", { params: { query: { path, here } } }));
/** What contacts shared when they last said. */
export const remembered = () => answer(client.GET("/api/v1/remembered"));
/** What a link leads to now. */
export const head = (path: string) => answer(client.GET("/api/v1/head", { params: { query: { path } } }));

/** The folders in a folder of the node's machine; in its owner's home, where none is named. */
export const folder = (path: string | null) =>
  answer(client.GET("/api/v1/folders", { params: { query: path === null ? {} : { path } } }));

/** Makes a folder there, and tells of it. */
export const makeFolder = (path: string, name: string) =>
  answer(client.POST("/api/v1/folders", { body: { path, name } }));

/** Who may have a share. */
export type Audience = "contacts" | "named" | "link" | "public";

/** Makes a folder of this node's own a share, for what the browser hands in. */
export const makeAlbum = (name: string, audience: Audience, named: string[], bare: boolean) =>
  answer(client.POST("/api/v1/albums", { body: { name, audience, with: named, bare } }));
/** What pictures on the node's own disk say beside their pixels. */
export const traces = (paths: string[]) =>
  answer(client.POST("/api/v1/pictures/traces", { body: { paths } }));
/** Takes a file out of an album of this node's; it is gone then. By hand, since the path has slashes. */
export async function removeFile(album: string, path: string): Promise<void> {
  const response = await fetch(fileAddress(album, path), { method: "DELETE" }).catch(broken);
  if (!response.ok) throw failure(response.status, await response.json().catch(() => null));
}

const fileAddress = (album: string, path: string) =>
  `${BASE}/albums/${encodeURIComponent(album)}/files/${encodePath(path)}`;

/**
 * Adds a file to an album of this node's, and tells how far it is; the folders on its path are made, and where something else is called so already it gets a number. One that is
 * there already is not added again, so that who lost the answer may ask once more.
 * Bare, a picture is put there without what it says beside its pixels, and what is none is refused.
 */
export function addFile(
  album: string,
  path: string,
  file: Blob,
  isBare: boolean,
  onprogress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // `fetch` tells nothing of what it has sent.
    const request = new XMLHttpRequest();
    request.open("POST", `${fileAddress(album, path)}${isBare ? "?bare=true" : ""}`);
    request.responseType = "json";
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = (event) => onprogress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(failure(request.status, request.response));
    };
    request.onerror = () => reject(new ApiError("away", AWAY));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

/** Addresses at the content's own origin; each is the permission to read there. */
export const contentUrls = (paths: string[]) =>
  answer(client.POST("/api/v1/content-urls", { body: { paths } }));
/** The address of a site, at an origin of its own. */
export const siteUrl = (path: string) => answer(client.POST("/api/v1/site-urls", { body: { path } }));

export const transfers = () => answer(client.GET("/api/v1/transfers"));
export const beginTransfer = (request: GetRequest) =>
  answer(client.POST("/api/v1/transfers", { body: request }));
export const pauseTransfer = (id: string) =>
  answer(client.POST("/api/v1/transfers/{id}/pause", { params: { path: { id } } }));
export const resumeTransfer = (id: string) =>
  answer(client.POST("/api/v1/transfers/{id}/resume", { params: { path: { id } } }));
/** Fetches the same once more in its place: into another folder, or adding what is missing to the one that is there. */
export const againTransfer = (id: string, out: string | null, adds: boolean) =>
  answer(client.POST("/api/v1/transfers/{id}/again", { params: { path: { id } }, body: { out, adds } }));
export const cancelTransfer = (id: string, keep: boolean) =>
  answer(client.POST("/api/v1/transfers/{id}/cancel", { params: { path: { id } }, body: { keep } }));

/** How soon a file of a transfer is wanted, or a folder of it; all of it by the empty path. */
export const prioritise = (id: string, path: string, level: string) =>
  answer(client.POST("/api/v1/transfers/{id}/priority", { params: { path: { id } }, body: { path, level } }));

export const limits = () => answer(client.GET("/api/v1/limits"));
export const changeLimits = (change: LimitsChange) => answer(client.POST("/api/v1/limits", { body: change }));

/** Where the event stream is; it tells of the network too, every two seconds. */
export const EVENTS_URL = `${BASE}/events?network=true`;

/** The lines of a call that answers while it works; a failure among them is thrown. */
export async function* lines<T>(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
  const response = await fetch(`${BASE}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  }).catch(broken);
  if (!response.ok || response.body === null) {
    throw failure(response.status, await response.json().catch(() => null));
  }
  let rest = "";
  for await (const text of decoded(response.body)) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      if (part === "") continue;
      const line = JSON.parse(part) as T | { failure: unknown };
      if (typeof line === "object" && line !== null && "failure" in line) throw failure(500, line.failure);
      yield line as T;
    }
  }
}

/** A body's text as it comes. Safari cannot iterate a stream, so it is read by hand. */
async function* decoded(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(broken);
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The steps of reaching a peer. */
export const trace = (peer: string, signal: AbortSignal) => lines<TraceStep>("/trace", { peer }, signal);
