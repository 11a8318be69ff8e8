import { z } from 'zod';
import { instant, noInput } from '../../operations/fields.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import type { Database } from '../../platform/database.ts';
import { shareAnswer } from '../../platform/shared-answer.ts';
import { classNames } from '../../requests/request-class.ts';
import { refusalCount } from '../requests/refusals.ts';
import { COUNT_MAX, type Facts, readFacts } from './facts.ts';
import { judge, PARTS, STATES, unreadOf, verdictOf } from './judge.ts';
import { shownMinute } from './minutes.ts';

/** For so long every caller of this process gets the same answer. */
const SHARED_MS = 2_000;
const CLASSES = classNames.map((name) => name.toUpperCase());
const most = z.int().describe(`Counted up to ${COUNT_MAX.toLocaleString('en')}; one more means that there are more.`);

const overviewOutput = z
  .strictObject({
    at: instant().describe('Since when the answer is the same. It is read again every two seconds.'),
    verdict: z.enum(STATES).describe('That of the worst part.'),
    parts: z.array(
      z.strictObject({
        part: z.enum(PARTS),
        state: z.enum(STATES),
        sentence: z.string().describe('What a person should know of it.'),
        since: instant().nullable(),
      }),
    ),
    provider: z.strictObject({
      paused: z.boolean(),
      paused_by: z.string().nullable(),
      paused_reason: z.string().nullable(),
      changed_date: instant().describe('When sending was last paused or resumed.'),
      breaker: z.enum(['closed', 'open', 'half-open']),
      breaker_open_until: instant().nullable(),
      failures_in_a_row: z.int(),
    }),
    instances: z.array(
      z.strictObject({
        id: z.string(),
        host: z.string().nullable().describe('Null: of a version that does not report.'),
        alive: z.boolean().describe('False: it was killed, or cannot reach the database.'),
        started_date: instant(),
        slots: z.int().describe('Calls that it may have under way at once.'),
        requests_per_second: z.number(),
        parts: z.array(z.strictObject({ part: z.string(), ready: z.boolean(), detail: z.string(), since: instant() })),
      }),
    ),
    backlog: z
      .array(
        z.strictObject({
          class: z.enum(CLASSES),
          ready: z.int().describe(`Counted up to ${(2 * COUNT_MAX).toLocaleString('en')}.`),
          oldest_ready_date: instant().nullable(),
        }),
      )
      .describe('Requests that could be sent now.'),
    waiting: z.strictObject({
      scheduled: most,
      retrying: most,
      dead_letters: most,
      held_events: most,
      unpublished_outcomes: most,
      parked_outcomes: most,
    }),
    intake: z.strictObject({
      unread: z.int().nullable().describe('Messages of the CRM that are not read yet; null: nobody knows.'),
      behind_since_date: instant().nullable().describe('Since when something has been unread without a break.'),
      last_event_date: instant().nullable().describe('When the last message was received.'),
    }),
    refusals: z.array(refusalCount).describe('Of requests of the last 24 hours, at most the newest 1,000.'),
    runs: z
      .array(
        z.strictObject({
          id: z.int(),
          kind: z.string(),
          state: z.string(),
          created_by_user: z.string(),
          created_date: instant(),
        }),
      )
      .describe('Those under way, the newest first.'),
    minutes: z.array(shownMinute).describe('The last 60 full minutes, the oldest first.'),
  })
  .meta({ id: 'Overview', description: 'Whether everything is well.' });
type Overview = z.output<typeof overviewOutput>;

const sharedOverview = shareAnswer<Database, Overview>(SHARED_MS, async (db, before) => {
  const facts = await readFacts(db);
  const shown = { at: facts.now.toISOString(), ...show(facts) };
  // So its ETag stays as well, and a caller who has it gets no body.
  return before !== undefined && JSON.stringify({ ...shown, at: before.at }) === JSON.stringify(before)
    ? before
    : shown;
});

/** `overview`: whether everything is well, in one answer for everybody who looks. */
export const overview: Feature = {
  name: 'overview',
  summary: 'Shows whether everything is well.',
  operations: [
    operation({
      name: 'overview',
      summary: 'Show whether everything is well',
      description:
        'The parts of the service and what a person should know of them, the backlog, what waits for a decision, refusals, runs, and the figures of the last hour. Computed at most every two seconds, however many ask.',
      role: 'viewer',
      route: 'GET /overview',
      input: noInput,
      output: overviewOutput,
      example: {},
      cli: { text: overviewText },
      handle: ({ db }) => sharedOverview(db),
    }),
  ],
};

function show(facts: Facts): Omit<Overview, 'at'> {
  const { provider, waiting, intake, instances, backlog, refusals, runs, minutes } = facts;
  const parts = judge(facts);
  const { unread, behindSince } = unreadOf(intake);
  return {
    verdict: verdictOf(parts),
    parts: parts.map(({ since, ...one }) => ({ ...one, since: textOf(since) })),
    provider: {
      paused: provider.paused,
      paused_by: provider.pausedBy,
      paused_reason: provider.pausedReason,
      changed_date: provider.changedAt.toISOString(),
      breaker: provider.breaker,
      breaker_open_until: textOf(provider.breakerOpenUntil),
      failures_in_a_row: provider.failuresInARow,
    },
    instances: showInstances(instances, provider.instances),
    backlog: backlog.map(({ class: requestClass, ready, oldest }) => ({
      class: CLASSES[requestClass] ?? 'BULK',
      ready,
      oldest_ready_date: textOf(oldest),
    })),
    waiting: {
      scheduled: waiting.scheduled,
      retrying: waiting.retrying,
      dead_letters: waiting.deadLetters,
      held_events: waiting.heldEvents,
      unpublished_outcomes: waiting.unpublished,
      parked_outcomes: waiting.parked,
    },
    intake: { unread, behind_since_date: textOf(behindSince), last_event_date: textOf(waiting.lastEvent) },
    refusals: refusals.groups.map(({ code, meaning, count, newest_date }) => ({ code, meaning, count, newest_date })),
    runs: runs.map(({ id, kind, state, by, created }) => ({
      id,
      kind,
      state,
      created_by_user: by,
      created_date: created.toISOString(),
    })),
    minutes: [...minutes],
  };
}

/** Those that reported, and those that only have a share of the limits because they are of an older version. */
function showInstances(reported: Facts['instances'], shares: Facts['provider']['instances']): Overview['instances'] {
  const known = new Set(reported.map(({ id }) => id));
  const older = shares
    .filter(({ id }) => !known.has(id))
    .map(({ id, startedAt }) => ({ id, host: null, alive: true, started: startedAt, parts: [] }));
  return [...reported, ...older].map(({ id, host, alive, started, parts }) => {
    const share = shares.find((one) => one.id === id);
    return {
      id,
      host,
      alive,
      started_date: started.toISOString(),
      slots: share?.slots ?? 0,
      requests_per_second: share?.requestsPerSecond ?? 0,
      parts: [...parts],
    };
  });
}

function textOf(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}

/** The verdict, the parts, and what waits, for a terminal. */
function overviewText({ verdict, parts, backlog, waiting, intake, refusals, runs, minutes }: Overview): string {
  const width = Math.max(...PARTS.map(({ length }) => length));
  const figures = (counts: object): string =>
    Object.entries(counts)
      .map(([name, count]) => `${String(count)} ${name.replaceAll('_', ' ')}`)
      .join(', ');
  const last = minutes.at(-1);
  return [
    verdict,
    ...parts.map(({ part, state, sentence, since }) => {
      const from = since === null ? '' : ` (since ${since})`;
      return `  ${part.padEnd(width)}  ${state.padEnd('ATTENTION'.length)}  ${sentence}${from}`;
    }),
    `waiting    ${figures(waiting)}, ${intake.unread ?? 'unknown'} unread`,
    `backlog    ${backlog.map(({ class: name, ready }) => `${ready} ${name}`).join(', ')}`,
    `refusals   ${refusals.map(({ code, count }) => `${count} ${code}`).join(', ') || 'none in 24 hours'}`,
    `runs       ${runs.map(({ id, kind, state }) => `${id} ${kind} ${state}`).join(', ') || 'none under way'}`,
    ...(last === undefined
      ? []
      : [
          `last minute  ${last.events} events, ${last.requests_completed} completed, ${last.requests_rejected} rejected, ${last.calls} calls, p99 ${last.latency_p99_ms ?? '-'} ms`,
        ]),
  ].join('\n');
}
