/** Counts of the SOAP calls. */
export interface Statistics {
  /** A call has started. Returns how many are under way, with this one. */
  begin(): number;
  end(): void;
  rejected(): void;
  view(): object;
  /** Counts from zero again; what is under way stays so. */
  reset(): void;
}

const secondsMax = 3_600;

export function createStatistics(): Statistics {
  let calls = 0;
  let inFlight = 0;
  let inFlightMax = 0;
  let rejectedByConcurrency = 0;
  let perSecond = new Map<number, number>();

  return {
    begin() {
      calls++;
      inFlight++;
      inFlightMax = Math.max(inFlightMax, inFlight);
      const second = Math.floor(Date.now() / 1000);
      const count = perSecond.get(second);
      perSecond.set(second, (count ?? 0) + 1);
      if (count === undefined && perSecond.size > secondsMax) {
        const [oldest] = perSecond.keys();
        if (oldest !== undefined) perSecond.delete(oldest);
      }
      return inFlight;
    },
    end() {
      inFlight--;
    },
    rejected() {
      rejectedByConcurrency++;
    },
    view: () => ({
      calls,
      inFlight,
      inFlightMax,
      rejectedByConcurrency,
      callsPerSecondMax: Math.max(0, ...perSecond.values()),
      perSecond: [...perSecond].map(([second, count]) => ({ at: new Date(second * 1000).toISOString(), calls: count })),
    }),
    reset() {
      calls = 0;
      inFlightMax = inFlight;
      rejectedByConcurrency = 0;
      perSecond = new Map();
    },
  };
}
