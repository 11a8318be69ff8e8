import type { Queryable } from '../platform/database.ts';

/**
 * The phase of a provisioning request. The last two are final. The others have `life_cycle_state` PENDING, and the work
 * row distinguishes them.
 */
/** What each phase means, and who acts next. */
export const PHASES = {
  SCHEDULED: 'Its date has not come. It blocks nobody until then.',
  WAITING_BEHIND: 'An earlier due request goes first on at least one of its cards. It moves when that one is final.',
  IN_LINE: 'Nobody is ahead of it on any card. The next free instance claims it.',
  RETRYING: 'Nobody is ahead of it, and it waits until its back-off is over; its cards wait with it.',
  BEING_SENT:
    'An instance holds it under a lease and carries it out. If the lease runs out, another one takes it over.',
  COMPLETED: 'Final: the CAS did it. The row stays until the retention command deletes it.',
  REJECTED: 'Final: the CAS, the service or a person refused it; error_code shows which.',
} as const;
export type Phase = keyof typeof PHASES;

export interface Transition {
  /** Null: the request did not exist. */
  readonly from: Phase | null;
  readonly to: Phase;
  readonly event: LifeCycleEvent;
  /** The record that the same transaction writes into the outbox. */
  readonly publishes: 'ProvisioningRequestOutcome' | null;
}

/** What changes a request's phase, and in which module. */
export const EVENTS = {
  submitted: 'an event, the Web API, a utility or a run makes it (submit.ts)',
  'date came': 'its scheduled date has come (activate.ts)',
  overtaken: 'a scheduled request with a lower number of one of its cards came due (activate.ts)',
  'handed on': 'the request ahead of it is final, or gave up its turn (hand-on.ts, put-off.ts)',
  claimed: 'an instance takes it, with a lease (claim.ts)',
  'claimed again': 'the lease ran out, and nobody knows what its holder did (claim.ts)',
  'put off': 'it did not leave, the CAS asked for a later try, or its answer could not be read (put-off.ts)',
  'given back': 'its holder stops, or sending was switched off, before it was tried (put-off.ts)',
  'back-off over': 'its time has come again',
  accepted: 'the CAS did it (finish.ts)',
  refused: 'the CAS refused it, it cannot be sent, or a person must find out whether it was done (finish.ts)',
  withdrawn: 'a person withdraws it (withdraw.ts)',
} as const;

export type LifeCycleEvent = keyof typeof EVENTS;

/** All transitions; nothing else changes a request's phase. */
export const LIFE_CYCLE: readonly Transition[] = [
  { from: null, to: 'SCHEDULED', event: 'submitted', publishes: null },
  { from: null, to: 'WAITING_BEHIND', event: 'submitted', publishes: null },
  { from: null, to: 'IN_LINE', event: 'submitted', publishes: null },
  { from: 'SCHEDULED', to: 'WAITING_BEHIND', event: 'date came', publishes: null },
  { from: 'SCHEDULED', to: 'IN_LINE', event: 'date came', publishes: null },
  { from: 'IN_LINE', to: 'WAITING_BEHIND', event: 'overtaken', publishes: null },
  { from: 'RETRYING', to: 'WAITING_BEHIND', event: 'overtaken', publishes: null },
  { from: 'WAITING_BEHIND', to: 'IN_LINE', event: 'handed on', publishes: null },
  { from: 'WAITING_BEHIND', to: 'RETRYING', event: 'handed on', publishes: null },
  { from: 'IN_LINE', to: 'BEING_SENT', event: 'claimed', publishes: null },
  { from: 'BEING_SENT', to: 'BEING_SENT', event: 'claimed again', publishes: null },
  { from: 'BEING_SENT', to: 'RETRYING', event: 'put off', publishes: null },
  { from: 'BEING_SENT', to: 'WAITING_BEHIND', event: 'put off', publishes: null },
  { from: 'BEING_SENT', to: 'IN_LINE', event: 'given back', publishes: null },
  { from: 'BEING_SENT', to: 'WAITING_BEHIND', event: 'given back', publishes: null },
  { from: 'RETRYING', to: 'IN_LINE', event: 'back-off over', publishes: null },
  { from: 'BEING_SENT', to: 'COMPLETED', event: 'accepted', publishes: 'ProvisioningRequestOutcome' },
  { from: 'BEING_SENT', to: 'REJECTED', event: 'refused', publishes: 'ProvisioningRequestOutcome' },
  { from: 'SCHEDULED', to: 'REJECTED', event: 'withdrawn', publishes: 'ProvisioningRequestOutcome' },
  { from: 'WAITING_BEHIND', to: 'REJECTED', event: 'withdrawn', publishes: 'ProvisioningRequestOutcome' },
  { from: 'IN_LINE', to: 'REJECTED', event: 'withdrawn', publishes: 'ProvisioningRequestOutcome' },
  { from: 'RETRYING', to: 'REJECTED', event: 'withdrawn', publishes: 'ProvisioningRequestOutcome' },
];

/** Reads the phases of requests by number; numbers that do not exist are missing. */
export async function phasesOf(db: Queryable, numbers: readonly number[]): Promise<Map<number, Phase>> {
  const rows = await db.query<{ number: number; phase: Phase }>(SELECT_PHASES, [numbers]);
  return new Map(rows.map(({ number, phase }) => [number, phase]));
}

/** The phase of a `request r` whose work row, if it has one, is joined as `w`. */
export const PHASE = /* sql */ `case when w.number is null then r.life_cycle_state
     when w.waits < 0 then 'SCHEDULED'
     when w.token is not null then 'BEING_SENT'
     when w.waits > 0 then 'WAITING_BEHIND'
     when w.ready_at > now() then 'RETRYING'
     else 'IN_LINE' end`;

/** Walks the primary keys of request and work. */
const SELECT_PHASES = /* sql */ `
select r.number,
       ${PHASE} as phase
  from request r left join work w on w.number = any (array[r.number])
 where r.number = any($1::bigint[])`;

const INTRODUCTION = `# Life cycle of a provisioning request

A request is PENDING until it becomes COMPLETED or REJECTED, which are final. While it is PENDING, a narrow extra row (\`work\`, see [ordered-claim.md](ordered-claim.md)) shows how far it is. The phases below distinguish that.

This page is generated from the table in \`src/requests/life-cycle.ts\`. A test drives requests through every transition on PostgreSQL, and fails if one is not reached or another one happens.
`;

/** Returns the whole text of docs/life-cycle.md: a Mermaid diagram and its legend. */
export function lifeCycleDocument(): string {
  const arrows = LIFE_CYCLE.map(({ from, to, event }) => `  ${from ?? '[*]'} --> ${to}: ${event}`);
  const published = LIFE_CYCLE.filter(({ publishes }) => publishes !== null);
  const ends = [...new Set(published.map(({ to }) => to))];
  return [
    INTRODUCTION,
    '```mermaid',
    'stateDiagram-v2',
    ...arrows,
    ...ends.map((phase) => `  ${phase} --> [*]`),
    '```',
    '',
    '| phase | `life_cycle_state` | meaning |',
    '|---|---|---|',
    ...Object.entries(PHASES).map(
      ([phase, meaning]) => `| ${phase} | ${ends.some((end) => end === phase) ? phase : 'PENDING'} | ${meaning} |`,
    ),
    '',
    '| event | what happens | published |',
    '|---|---|---|',
    ...Object.entries(EVENTS).map(([event, meaning]) => {
      const record = LIFE_CYCLE.find((transition) => transition.event === event)?.publishes;
      return `| ${event} | ${meaning} | ${record ? `\`${record}\`` : ''} |`;
    }),
    '',
  ].join('\n');
}
