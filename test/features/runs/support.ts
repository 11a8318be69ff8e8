import { Readable } from 'node:stream';
import type { CrmSubscription } from '../../../dev/demo/crm.ts';
import { importSubscriptions } from '../../../src/features/import/import.ts';
import { recordOutcomes } from '../../../src/outcomes/record.ts';
import type { PlanningRules } from '../../../src/planning/types.ts';
import type { Database } from '../../../src/platform/database.ts';
import { finishRequests } from '../../../src/requests/finish.ts';
import { countTargets, type RunCounts } from '../../../src/features/runs/counts.ts';
import type { Actor } from '../../../src/operations/actor.ts';
import type { AnyKind } from '../../../src/features/runs/kind.ts';
import { kindOf } from '../../../src/features/runs/kinds.ts';
import { type Step, type StepParts, stepRun } from '../../../src/features/runs/step.ts';
import { createRun, findRun } from '../../../src/features/runs/store.ts';
import { claim, completed, PARTS } from '../../requests/support.ts';

export const RULES: PlanningRules = {
  entitleAddedCards: false,
  smartcardPattern: /^\d{11}$/,
  setTopBoxPattern: /^[!-~]{1,30}$/,
  servicePattern: /^\d{1,8}$/,
};
export const AGENT: Actor = { user: 'agent', unit: 'Nicosia' };
export const BARK = { type: 'BARK', message: 'Goal!' } as const;

/** The subscriptions as the service knows them from now on; nothing is sent. */
export async function know(db: Database, subscriptions: readonly CrmSubscription[]): Promise<void> {
  const lines = subscriptions.map((one) =>
    JSON.stringify({ id: `id-${one.number}`, ...one, version: Math.max(1, one.version) }),
  );
  const { rejected } = await importSubscriptions(db, Readable.from([Buffer.from(lines.join('\n'))]), {
    fromLine: 1,
    signal: new AbortController().signal,
    onReject: ({ problems }) => Promise.reject(new Error(JSON.stringify(problems))),
    onProgress: () => {},
  });
  if (rejected > 0) throw new Error(`${rejected} subscriptions were not imported`);
}

/** `count` CA ids that begin with these digits. */
export function cardsFrom(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index + 1).padStart(11 - prefix.length, '0')}`);
}

export interface NewTestRun {
  readonly kind?: string | AnyKind;
  readonly parameters?: unknown;
  readonly selection: unknown;
  readonly hold?: boolean;
}

export async function create(
  db: Database,
  { kind = 'MESSAGE', parameters = BARK, selection, hold = false }: NewTestRun,
): Promise<number> {
  const known = typeof kind === 'string' ? kindOf(kind) : kind;
  return await db.transaction((tx) =>
    createRun(tx, { kind: known, parameters, selection, hold, by: AGENT }, { rules: RULES }),
  );
}

/** What a step needs, with room for everything. */
export function stepParts(db: Database): StepParts {
  return { db, context: { rules: RULES }, recordOutcomes, window: 500, perSecond: 100_000 };
}

/** Steps until there is nothing to do at once. */
export async function work(db: Database, id: number, parts: Partial<StepParts> = {}): Promise<Step> {
  for (;;) {
    const step = await stepRun(id, { ...stepParts(db), ...parts });
    if (step === 'wait' || step === 'not ours') return step;
  }
}

/** Claims up to `limit` requests and finishes them, as the CAS would; gives the cards. `refuse`: these with this code. */
export async function send(
  db: Database,
  limit = 1_000,
  refuse: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const claimed = await claim(db, limit);
  await db.transaction((tx) =>
    finishRequests(
      tx,
      claimed.map((request) => {
        const errorCode = refuse[request.cards[0] ?? ''] ?? null;
        return completed(request, errorCode === null ? {} : { state: 'REJECTED', errorCode });
      }),
      { ...PARTS, recordOutcomes },
    ),
  );
  return claimed.flatMap(({ cards }) => cards);
}

export async function stateOf(db: Database, id: number): Promise<string | undefined> {
  return (await findRun(db, id))?.state;
}

export const counts = (db: Database, id: number): Promise<RunCounts> => countTargets(db, id);

/** Opens so many connections of the pool, so that what comes next really happens at once. */
export async function warm(db: Database, connections: number): Promise<void> {
  await Promise.all(Array.from({ length: connections }, () => db.query('select pg_sleep(0.1)')));
}
