import type { ConaxAnswer } from '../conax/client.types.ts';

/** How long the CAS has left calls without any answer. */
export interface CasSilence {
  /** A call begins; what it gives is to be called with its answer. */
  begin(): (answer: ConaxAnswer) => void;
  /** Milliseconds since the CAS last answered, or since the oldest call under way began; 0 while none is. */
  silentMs(): number;
}

export function createCasSilence(now: () => number = () => performance.now()): CasSilence {
  /** When each call under way began, oldest first. */
  const underWay = new Set<{ readonly since: number }>();
  let heardAt = -Infinity;
  return {
    begin() {
      const call = { since: now() };
      underWay.add(call);
      return ({ kind }) => {
        underWay.delete(call);
        if (kind !== 'unknown' && kind !== 'not-sent' && kind !== 'invalid') heardAt = now();
      };
    },
    silentMs() {
      const [oldest] = underWay;
      return oldest === undefined ? 0 : Math.max(0, now() - Math.max(oldest.since, heardAt));
    },
  };
}
