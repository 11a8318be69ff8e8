import type { Arrivals } from '../../dev/demo/wire.ts';
import type { DeadLetterReason } from '../../src/events/dead-letter-reasons.ts';
import { deadLetterReasons } from '../../src/events/dead-letter-reasons.ts';
import type { ActionOutcome } from '../../src/outcomes/outcome.generated.ts';
import type { WithheldReason } from '../../src/planning/types.ts';

/** Everything that an action's outcome or a dead letter may say; the compiler sees to it that nothing is forgotten. */
const OUTCOMES = {
  PROVISIONED: true,
  PARTLY_PROVISIONED: true,
  FAILED: true,
  NOTHING_TO_DO: true,
  HELD: true,
  INVALID: true,
} satisfies Record<Exclude<ActionOutcome, 'UNKNOWN'>, true>;

const WITHHELD = {
  NO_CARD_FOR_SERVICE: true,
  NO_SERVICE_CA_ID: true,
  STILL_EFFECTIVE: true,
  NOT_EFFECTIVE: true,
  STILL_ENTITLED: true,
  ALREADY_REQUESTED: true,
  NOTHING_TO_PAIR: true,
  ALREADY_PAIRED: true,
  NOT_TRIGGERED: true,
  INVALID_CA_ID: true,
  SUPERSEDED: true,
} satisfies Record<WithheldReason, true>;

/** A duplicate is no facet: it is counted, and nobody is told (see the inbox). */
const FACETS = ['PLANNED', 'NOTHING_TO_DO', 'STALE', 'DEAD_LETTERED'];

/** test/intake/hostile-messages.test.ts and test/hostile have them: they take a batch or an event of many megabytes. */
const TOO_LARGE_FOR_A_JOURNEY: ReadonlySet<DeadLetterReason> = new Set(['UNREADABLE_RECORD', 'TOO_MANY_COMMANDS']);

/** What never came out of Kafka, of all that could. */
export function notSeen(arrivals: readonly Arrivals[]): string[] {
  const outcomes = arrivals.flatMap(({ actionOutcomes }) => actionOutcomes.map(({ value }) => value));
  const seen = new Set([
    ...outcomes.map(({ outcome }) => `outcome ${outcome}`),
    ...outcomes.flatMap(({ withheld }) => withheld.map(({ reason }) => `withheld ${reason}`)),
    ...outcomes.flatMap(({ facets }) => facets.map(({ disposition }) => `facet ${disposition}`)),
    ...arrivals.flatMap(({ deadLetters }) =>
      deadLetters.map(({ headers }) => `dead letter ${headers['dead-letter-reason']}`),
    ),
  ]);
  const all = [
    ...Object.keys(OUTCOMES).map((outcome) => `outcome ${outcome}`),
    ...Object.keys(WITHHELD).map((reason) => `withheld ${reason}`),
    ...FACETS.map((disposition) => `facet ${disposition}`),
    ...(Object.keys(deadLetterReasons) as DeadLetterReason[])
      .filter((reason) => !TOO_LARGE_FOR_A_JOURNEY.has(reason))
      .map((reason) => `dead letter ${reason}`),
  ];
  return all.filter((one) => !seen.has(one));
}
