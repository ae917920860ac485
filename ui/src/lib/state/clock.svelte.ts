// The time, for words such as "3 minutes ago"; it moves on twice a minute.

const EVERY_MS = 30_000;

class Clock {
  now = $state(Date.now());

  constructor() {
    setInterval(() => (this.now = Date.now()), EVERY_MS);
  }
}

export const clock = new Clock();
