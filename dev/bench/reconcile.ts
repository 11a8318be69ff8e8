import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../../src/platform/database.ts';
import { countTargets, type RunCounts } from '../../src/features/runs/counts.ts';
import { kindOf } from '../../src/features/runs/kinds.ts';
import { countDifferences } from '../../src/features/reconcile/report.ts';
import { createRun, findRun } from '../../src/features/runs/store.ts';
import { planningRulesOf } from '../../src/settings.ts';
import { residentMb } from './processes.ts';
import { median, loadLine, type Report } from './report.ts';
import { cpuLine, openSite, type Program, simulatorView, type Site } from './site.ts';

/** Of so many cards one lacks a service, one has one too many, and one has what another one lacks. */
const DRIFT_EVERY = 1_000;
const MISSING = 1;
const TOO_MUCH = 11;
const LACKS_WHAT_ANOTHER_HAS = 21;
const HAS_WHAT_ANOTHER_LACKS = 23;
/** Cards that the CAS does not want to know. */
const UNREADABLE = 5;
/** The service is killed once so many of the cards are done. */
const KILLED_AT = 0.4;
/** Cards of one PATCH. */
const PART = 5_000;
const LOOK_MS = 500;
/** The heap is collected for it, which takes some 50 ms. */
const HEAP_EVERY_LOOKS = 10;
/** The live heap may grow by this much from the second quarter of an instance's life to its last. */
const GROWTH_MOST = 1.1;
const GROWTH_FREE_MB = 2;

/** An instance's memory on the way, in megabytes: what lives on its heap after a full collection, and what is resident. */
interface Memory {
  readonly heap: number[];
  readonly resident: number[];
}

/**
 * A reconcile over many cards against a CAS that drifted: killed with SIGKILL in the middle, gone on with by another
 * instance, with counts that have to be exact; then the fix, after which the CAS has to have what the CRM entitles.
 */
export async function reconcile(report: Report, { cards }: { readonly cards: number }): Promise<void> {
  const site = await openSite(report);
  try {
    const simulator = await site.startSimulator();
    await fill(site.db, cards);
    const drift = await fillCas(simulator.url, cards);
    report.line(`${cards} cards of ${Math.ceil(cards / 2)} subscriptions; ${JSON.stringify(drift)}`);
    const start = (): Promise<Program> =>
      site.startService(
        {
          CONAX_BASE_URL: simulator.url,
          CONAX_MAX_CONCURRENCY: '32',
          CONAX_MAX_REQUESTS_PER_SECOND: '100000',
        },
        { profiled: true },
      );
    const first = await start();
    await simulatorView(simulator.url, 'DELETE', 'stats');
    const run = await begin(site, 'RECONCILE', { all: true });
    const before = await watched(report, site, first, run, KILLED_AT);
    process.kill(first.pid, 'SIGKILL');
    const atKill = await countTargets(site.db, run);
    report.line(`killed with ${doneOf(atKill)} done, ${atKill.pending} pending and ${atKill.waiting} waiting`);
    const second = await start();
    const after = await watched(report, site, second, run, 1);

    const { calls } = await simulatorView<{ calls: number }>(simulator.url, 'GET', 'stats');
    const { outcomes } = await countTargets(site.db, run);
    const different = drift.missing + drift.tooMuch + 2 * drift.onAnotherCard;
    report.check(
      'every card is counted once, under what was put into the CAS',
      same(outcomes, { EQUAL: cards - different - UNREADABLE, DIFFERENT: different, NOT_READABLE: UNREADABLE }),
      JSON.stringify(outcomes),
    );
    const counted = await countDifferences(site.db, run);
    report.check(
      'every difference is found, and no other',
      counted.find(({ finding }) => finding === 'MISSING_IN_CAS')?.services === drift.missing + drift.onAnotherCard &&
        counted.find(({ finding }) => finding === 'TOO_MUCH_IN_CAS')?.services === drift.tooMuch + drift.onAnotherCard,
      JSON.stringify(counted),
    );
    report.check(
      'only what was under way at the kill was asked twice',
      calls >= cards && calls <= cards + atKill.pending,
      `${calls} calls, ${atKill.pending} under way at the kill`,
    );
    report.line(`memory before the kill: ${memoryText(before)}; after it: ${memoryText(after)}`);
    report.check('the live heap is flat', grewLittle(before.heap) && grewLittle(after.heap), memoryText(after));

    const fix = await begin(site, 'RECONCILE_FIX', { run });
    await watched(report, site, second, fix, 1);
    const wrong = await wrongCards(simulator.url, cards);
    report.check('after the fix the CAS has what the CRM entitles', wrong.length === 0, `${wrong.length} cards differ`);
    await second.stop();
  } finally {
    await site.close();
  }
}

function begin(site: Site, kind: string, selection: unknown): Promise<number> {
  const by = { user: 'bench', unit: null };
  const rules = planningRulesOf(site.settings());
  return site.db.transaction((tx) =>
    createRun(tx, { kind: kindOf(kind), parameters: {}, selection, hold: false, by }, { rules }),
  );
}

/** Watches a run until this share of its targets is done; the service's memory on the way, in megabytes. */
async function watched(report: Report, site: Site, service: Program, run: number, share: number): Promise<Memory> {
  const memory: Memory = { heap: [], resident: [] };
  const [beganAt, cpu, first] = [performance.now(), site.cpu(), doneOf(await countTargets(site.db, run))];
  for (;;) {
    const [row, counts] = [await findRun(site.db, run), await countTargets(site.db, run)];
    if (row?.state === 'FAILED') throw new Error(`Run ${run} is FAILED: ${row.failure ?? ''}`);
    if (memory.resident.length % HEAP_EVERY_LOOKS === 0) memory.heap.push((await service.profiler?.heapMb()) ?? 0);
    memory.resident.push(residentMb(service.pid));
    const isDone = share === 1 ? row?.state === 'COMPLETED' : doneOf(counts) >= share * counts.targets;
    if (isDone && row?.preparedAt !== null) {
      const seconds = (performance.now() - beganAt) / 1_000;
      const done = doneOf(counts) - first;
      report.line(
        `run ${run}: ${done} targets in ${seconds.toFixed(1)} s, ${Math.round(done / seconds)}/s; ` +
          `CPU: ${cpuLine(cpu, site.cpu(), seconds)}; ${loadLine()}`,
      );
      return memory;
    }
    await pause(LOOK_MS);
  }
}

function doneOf({ targets, waiting, pending }: RunCounts): number {
  return targets - waiting - pending;
}

function grewLittle(memory: readonly number[]): boolean {
  return lastQuarter(memory) <= GROWTH_MOST * secondQuarter(memory) + GROWTH_FREE_MB;
}

function memoryText({ heap, resident }: Memory): string {
  return (
    `live heap ${secondQuarter(heap).toFixed(1)} MB in its second quarter, ${lastQuarter(heap).toFixed(1)} MB in its last; ` +
    `resident ${secondQuarter(resident)} MB, ${lastQuarter(resident)} MB, ${Math.max(...resident)} MB at most`
  );
}

function secondQuarter(memory: readonly number[]): number {
  return median(memory.slice(Math.floor(memory.length / 4), Math.ceil(memory.length / 2)));
}

function lastQuarter(memory: readonly number[]): number {
  return median(memory.slice(Math.floor((3 * memory.length) / 4)));
}

function same(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): boolean {
  const sorted = (counts: Readonly<Record<string, number>>): string =>
    JSON.stringify(Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b)));
  return sorted(one) === sorted(other);
}

/** Two cards a subscription; each has service 101, and one of fifty others. */
async function fill(db: Database, cards: number): Promise<void> {
  await db.query(
    `insert into subscription (number, crm_id, version, snapshot)
     select 'S' || lpad(n::text, 10, '0'), 'id-' || n, 1, jsonb_build_object(
       'id', 'id-' || n, 'number', 'S' || lpad(n::text, 10, '0'), 'version', 1, 'state', 'EFFECTIVE',
       'services', (select jsonb_agg(jsonb_build_object('id', 'service-' || service, 'productId', 'product-' || service,
           'productCode', 'P' || service, 'productAlternativeCode', null, 'caId', service, 'state', 'EFFECTIVE',
           'distributor', null)) from unnest(array['101', (200 + n % 50)::text]) service),
       'installedItems', (select jsonb_agg(jsonb_build_object('id', 'card-' || card, 'serialNumber', 'SN' || card,
           'alternativeCode', null, 'kind', 'SMARTCARD', 'caId', lpad(card::text, 11, '0'), 'distributor', null))
           from generate_series(2 * n, least(2 * n + 1, $1::int - 1)) card))
       from generate_series(0, ($1::int - 1) / 2) n`,
    [cards],
  );
  await db.query(
    `insert into subscription_card (subscription_number, card, joined_number)
     select 'S' || lpad((n / 2)::text, 10, '0'), lpad(n::text, 11, '0'), 1 from generate_series(0, $1::int - 1) n`,
    [cards],
  );
  await db.query('vacuum analyze subscription, subscription_card');
}

const cardOf = (index: number): string => String(index).padStart(11, '0');
const own = (index: number): string => String(200 + (Math.floor(index / 2) % 50));

interface Drift {
  readonly missing: number;
  readonly tooMuch: number;
  readonly onAnotherCard: number;
}

/** Fills the CAS with what the CRM entitles, but for the drift. */
async function fillCas(url: string, cards: number): Promise<Drift> {
  const drift = { missing: 0, tooMuch: 0, onAnotherCard: 0 };
  await simulatorView(url, 'PUT', 'state', []);
  for (let from = 0; from < cards; from += PART) {
    const part = Array.from({ length: Math.min(PART, cards - from) }, (_, index) => {
      const card = from + index;
      const place = card + 2 < cards || card % DRIFT_EVERY === HAS_WHAT_ANOTHER_LACKS ? card % DRIFT_EVERY : -1;
      if (place === MISSING) drift.missing += 1;
      if (place === TOO_MUCH) drift.tooMuch += 1;
      if (place === LACKS_WHAT_ANOTHER_HAS) drift.onAnotherCard += 1;
      const isLacking = place === MISSING || place === LACKS_WHAT_ANOTHER_HAS;
      const extra = place === TOO_MUCH ? ['777'] : place === HAS_WHAT_ANOTHER_LACKS ? [own(card - 2)] : [];
      const entitlements = ['101', ...(isLacking ? [] : [own(card)]), ...extra];
      return { smartcard: cardOf(card), entitlements, pairing: null };
    });
    await simulatorView(url, 'PATCH', 'state', part);
  }
  const unreadable = Array.from({ length: UNREADABLE }, (_, index) => Math.floor((index * cards) / UNREADABLE));
  await simulatorView(
    url,
    'POST',
    'faults',
    unreadable.map((card) => ({ match: { smartcard: cardOf(card) }, times: null, fault: 'status:CLIENT_NOT_FOUND' })),
  );
  return drift;
}

/** Cards that do not have exactly what the CRM entitles on them. */
async function wrongCards(url: string, cards: number): Promise<string[]> {
  const views = await simulatorView<{ smartcard: string; entitlements: string[] }[]>(url, 'GET', 'cards');
  const wrong = views.filter(
    ({ smartcard, entitlements }) =>
      JSON.stringify(entitlements) !== JSON.stringify(['101', own(Number(smartcard))].toSorted()),
  );
  return views.length === cards ? wrong.map(({ smartcard }) => smartcard) : [`${views.length} instead of ${cards}`];
}
