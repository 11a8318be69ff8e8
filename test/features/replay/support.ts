import { randomUUID } from 'node:crypto';
import type { Subscription } from '../../../src/events/crm.generated.ts';
import type { Database } from '../../../src/platform/database.ts';
import { plan } from '../../../src/planning/plan.ts';
import type { Plan, PlanningInput } from '../../../src/planning/types.ts';
import { pairOf } from '../../../src/features/replay/history.ts';
import type { PlannedCommand } from '../../../src/planning/types.ts';
import type { EvaluateOptions } from '../../../src/features/replay/evaluate.ts';
import { planEvents, type PlanSummary } from '../../../src/features/replay/plan-events.ts';
import type { PlanRow } from '../../../src/features/replay/plan-rows.ts';
import { type EventSelection, inboxPages } from '../../../src/features/replay/select-events.ts';
import { RULES } from '../../intake/support.ts';
import { subscriptionsTaught, type Taught } from '../../../src/pairings/news.ts';
import { establishPairings } from '../../../src/pairings/store.ts';
import { createReplay, findReplay, resumeReplay } from '../../../src/features/replay/record.ts';
import { runEvents } from '../../../src/features/replay/run-events.ts';
import { commandKey } from '../../../src/planning/command.ts';
import { lockSubscriptions } from '../../../src/requests/locks.ts';
import { expectedEntitlements } from '../../support/expected-state.ts';
import { finishPending } from '../../support/finish.ts';

export const OPTIONS: EvaluateOptions = { plan, rules: RULES, stalePolicy: 'plan', again: false };

/** Everything that the inbox has. */
export const ALL = {
  source: { kind: 'inbox', from: null, to: null, disposition: null },
  subscription: null,
  action: null,
  type: null,
} as const satisfies EventSelection;

/** The planner of a test build in which a rule is turned off: no CANCEL for what a service action takes away. */
export function withoutOutgoingCancels(input: PlanningInput): Plan {
  const made = plan(input);
  if (input.event.family !== 'SERVICE') return made;
  return { ...made, commands: made.commands.filter(({ type }) => type !== 'CANCEL_SUBSCRIPTIONS') };
}

/** Another one: the guard (R4) is off, so that what another service still entitles is cancelled. */
export function withoutGuard(input: PlanningInput): Plan {
  const made = plan(input);
  const lifted = made.withheld.filter(({ reason }) => reason === 'STILL_ENTITLED');
  const cancels = lifted.flatMap(({ type, smartcard, serviceCaId }): PlannedCommand[] =>
    type === 'CANCEL_SUBSCRIPTIONS' && smartcard !== null && serviceCaId !== null
      ? [{ type, smartcard, service: { caId: serviceCaId, distributor: null } }]
      : [],
  );
  return {
    ...made,
    commands: [...cancels, ...made.commands],
    withheld: made.withheld.filter((one) => !lifted.includes(one)),
  };
}

/** A plan of a replay, with all its rows. */
export async function planned(
  db: Database,
  selection: EventSelection & { readonly source: { readonly kind: 'inbox' } } = ALL,
  options: EvaluateOptions = OPTIONS,
): Promise<{ rows: PlanRow[]; summary: PlanSummary }> {
  const rows: PlanRow[] = [];
  const summary = await planEvents(db, inboxPages(db, selection, null), options, {
    row: (row) => void rows.push(row),
    progress: () => {},
  });
  return { rows, summary };
}

/** What a CAS holds that did all requests that were not refused, in the order of their numbers. */
export async function entitlementsInCas(db: Database): Promise<Map<string, string[]>> {
  const requests = await db.query<{ command: PlannedCommand }>(
    `select command from request where life_cycle_state <> 'REJECTED' and type like '%_SUBSCRIPTIONS' order by number`,
  );
  const held = new Map<string, Set<string>>();
  for (const { command } of requests) {
    const pair = pairOf(command);
    if (pair === null) continue;
    const services = held.get(pair.card) ?? new Set();
    held.set(pair.card, services);
    if (command.type === 'ADD_SUBSCRIPTIONS') services.add(pair.service);
    else services.delete(pair.service);
  }
  return new Map([...held].map(([card, services]) => [card, [...services].toSorted()]));
}

/** Cards on which the CAS is not as the newest snapshots say. */
export async function misentitled(db: Database): Promise<string[]> {
  const snapshots = await db.query<{ snapshot: Subscription }>('select snapshot from subscription');
  const expected = expectedEntitlements(snapshots.map(({ snapshot }) => snapshot));
  const held = await entitlementsInCas(db);
  return [...new Set([...expected.keys(), ...held.keys()])]
    .filter((card) => (expected.get(card) ?? []).join() !== (held.get(card) ?? []).join())
    .toSorted();
}

/** What every table holds, in one text: equal where nothing was changed. */
export async function contentsOf(db: Database): Promise<string> {
  const tables = await db.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by 1`,
  );
  const sums: string[] = [];
  for (const { name } of tables) {
    const [row] = await db.query<{ rows: number; sum: string | null }>(
      `select count(*) as rows, md5(string_agg(md5(t::text || t.xmin::text), '' order by md5(t::text))) as sum from ${name} t`,
    );
    sums.push(`${name} ${row?.rows} ${row?.sum}`);
  }
  const [sequence] = await db.query<{ last: number }>('select last_value as last from request_number');
  return [...sums, `request_number ${sequence?.last}`].join('\n');
}

/** Makes the pending requests final as the dispatcher does once the CAS accepted them, what they teach of pairings included. */
export async function accept(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    const rows = await tx.query<Taught & { subscription: string }>(
      `select number, command, subscription_number as "subscriptionNumber",
         case when type in ('CREATE_PAIRING', 'ADD_TO_EXISTING_PAIRING') then '{"kind":"done"}'::jsonb end as "pairingNews"
       from request where life_cycle_state = 'PENDING' order by number`,
    );
    lockSubscriptions(tx, subscriptionsTaught(rows));
    await establishPairings(tx, rows);
  });
  await finishPending(db);
}

/** A planner of a test build, which notes what it leaves out and what it makes too much: `<action id> <command key>`. */
export function noting(faulty: (input: PlanningInput) => Plan): {
  readonly plan: (input: PlanningInput) => Plan;
  readonly missing: Set<string>;
  readonly extra: Set<string>;
} {
  const noted = { missing: new Set<string>(), extra: new Set<string>() };
  return {
    ...noted,
    plan(input) {
      const made = faulty(input);
      const keys = (one: Plan): string[] => one.commands.map((key) => `${input.event.action.id} ${commandKey(key)}`);
      const right = keys(plan(input));
      for (const key of right) if (!keys(made).includes(key)) noted.missing.add(key);
      for (const key of keys(made)) if (!right.includes(key)) noted.extra.add(key);
      return made;
    },
  };
}

/** Runs a replay to its end, in this process; where `stops` says so, it is stopped at every step and resumed. */
export async function ran(
  db: Database,
  { stops = false } = {},
): Promise<{ replay: number; counts: Readonly<Record<string, number>>; stopped: number }> {
  const by = { user: 'ann', unit: null };
  let owner = randomUUID();
  let replay = await createReplay(db, { kind: 'EVENTS', selection: ALL, reason: 'a rule was off', by }, owner);
  for (let stopped = 0; ; stopped += 1) {
    const stop = new AbortController();
    const ended = await runEvents(db, replay, inboxPages(db, ALL, replay.cursor), {
      ...OPTIONS,
      owner,
      facetWaitMs: 30_000,
      window: 1_000_000,
      perSecond: null,
      signal: stop.signal,
      onProgress: () => (stops ? stop.abort() : undefined),
    });
    const { id } = replay;
    if (ended === 'COMPLETED') return { replay: id, counts: (await findReplay(db, id))?.counts ?? {}, stopped };
    owner = randomUUID();
    replay = await resumeReplay(db, id, owner);
  }
}
