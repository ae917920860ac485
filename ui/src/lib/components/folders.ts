// Walking through folders by keys and names: values only.

/** A folder within a folder, as a path. */
export function within(path: string, name: string): string {
  return path.endsWith("/") ? path + name : `${path}/${name}`;
}

/** Where a key leads in a list; nowhere where it has no meaning there. A letter leads to the next name that begins with it. */
export function stepped(key: string, at: number, names: readonly string[]): number | null {
  const last = names.length - 1;
  if (last < 0) return null;
  const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last };
  const step = steps[key];
  if (step !== undefined) return Math.min(last, Math.max(0, step));
  if ([...key].length !== 1 || key === " ") return null;
  const begins = (name: string) => name.toLocaleLowerCase().startsWith(key.toLocaleLowerCase());
  const next = names.findIndex((name, index) => index > at && begins(name));
  const found = next >= 0 ? next : names.findIndex(begins);
  return found >= 0 ? found : null;
}
