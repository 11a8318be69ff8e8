import type { ConaxAnswer } from '../conax/client.types.ts';

/** Measures how long the CAS has not answered any call. */
export interface CasSilence {
  /** Notes that a call starts; call the returned function with its answer. */
  begin(): (answer: ConaxAnswer) => void;
  /**
   * Returns the milliseconds since the CAS last answered, or since the oldest running call started; 0 while none runs.
   */
  silentMs(): number;
}

export function createCasSilence(now: () => number = () => performance.now()): CasSilence {
  /** When each running call started, the oldest first. */
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
