import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Database, Transaction } from '../../src/platform/database.ts';
import { activateDueRequests } from '../../src/requests/activate.ts';
import { type ClaimedRequest, claimRequests, renewLeases } from '../../src/requests/claim.ts';
import { finishRequests } from '../../src/requests/finish.ts';
import { endPatience } from '../../src/requests/patience.ts';
import type { NewRequest } from '../../src/requests/new-request.ts';
import { giveBackRequests, putOffRequests } from '../../src/requests/put-off.ts';
import { submitRequests } from '../../src/requests/submit.ts';
import { withdrawRequest } from '../../src/requests/withdraw.ts';
import { addTo, audit, cancelOf, completed, pairingOf, PARTS, REPORT_FOR_STB, requestFor, seeded } from './support.ts';

/** What a history found. All zero or empty but the first four: the claim keeps its promises. */
export interface HistoryReport {
  submitted: number;
  finished: number;
  audits: number;
  /** Transactions that PostgreSQL broke off and that were repeated; no fault, and rare. */
  deadlocks: number;
  /** A request was claimed while an earlier due one of its card was unfinished. */
  orderViolations: string[];
  /** Two requests of one card were being sent at once. */
  overlaps: string[];
  /** A request became final twice, or by somebody whose claim no longer held. */
  wrongEndings: string[];
  /** Lanes, waits, pins or classes that contradict each other. */
  auditProblems: string[];
  /** Requests that nobody could claim at the end. */
  stuck: number;
  /** What the database refused for good (deadlocks that were repeated five times, constraints). */
  errors: string[];
}

export interface HistoryOptions {
  readonly seed: number;
  readonly workers: number;
  readonly submitters: number;
  readonly cards: number;
  readonly durationMs: number;
  /** Ends the history early. */
  readonly enough?: (report: HistoryReport) => boolean;
}

const LEASE_MS = 50;

/**
 * Plays a random history: submitters that commit late, workers that finish, put off, give back, renew, or abandon what
 * they claimed and come back to it when their lease has run out, people who withdraw, dates that come. What happens is
 * written into a table within the same transactions, so that its order is the database's own and not this process's.
 */
export async function playHistory(db: Database, options: HistoryOptions): Promise<HistoryReport> {
  const random = seeded(options.seed);
  const report = emptyReport();
  await db.query(
    'create table claim_log (seq bigserial primary key, kind text, number bigint, cards text[], token text)',
  );
  const end = performance.now() + options.durationMs;
  const going = (): boolean => performance.now() < end && options.enough?.(report) !== true;
  const log = async (tx: Transaction, kind: string, rows: readonly LogRow[]): Promise<void> => {
    if (rows.length > 0) await tx.query(WRITE_LOG, [kind, JSON.stringify(rows)]);
  };
  const trying = async (work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => report.errors.push(String(error)));
  };
  /** A transaction that keeps others waiting, now and then. */
  const lateCommit = async (): Promise<void> => {
    if (random() < 0.25) await wait(random() * 8);
  };

  async function submitter(): Promise<void> {
    while (going()) {
      const requests = Array.from({ length: 1 + Math.floor(random() * 5) }, () => randomRequest(random, options.cards));
      await trying(() =>
        db.transaction(async (tx) => {
          const stored = await submitRequests(tx, requests);
          const numbers = stored.map(({ number }) => number);
          const rows = await tx.query<LogRow & { due: boolean }>(READ_SUBMITTED, [numbers]);
          await log(
            tx,
            'due',
            rows.filter(({ due }) => due),
          );
          await lateCommit();
        }),
      );
      report.submitted += requests.length;
      // Keeps a backlog of a few requests a card, whatever the machine's speed.
      while (going() && (await backlog(db)) > options.cards * 6) await wait(5);
    }
  }

  async function endClaim(claimed: readonly ClaimedRequest[]): Promise<void> {
    const lot = random();
    await db.transaction(async (tx) => {
      let numbers: number[];
      let kind = 'released';
      if (lot < 0.1) {
        const delayMs = random() * 20;
        numbers = await putOffRequests(
          tx,
          claimed.map((request) => ({ ...request, delayMs, exchanges: [] })),
          'history',
        );
      } else if (lot < 0.15) {
        numbers = await giveBackRequests(tx, claimed);
      } else {
        kind = 'final';
        numbers = await finishRequests(
          tx,
          claimed.map((request) => completed(request)),
          PARTS,
        );
      }
      await log(
        tx,
        kind,
        claimed.filter(({ number }) => numbers.includes(number)),
      );
      await lateCommit();
    });
  }

  async function worker(): Promise<void> {
    const zombies: Promise<void>[] = [];
    while (going()) {
      const limit = 1 + Math.floor(random() * 8);
      await trying(async () => {
        const claimed = await claimLogged(db, limit, LEASE_MS, log);
        if (claimed.length === 0) return await wait(2);
        if (random() < 0.06) {
          // Abandoned: the lease runs out. Half of these wake up later and act as if nothing had happened.
          if (random() < 0.5)
            zombies.push(wait(LEASE_MS * (0.5 + random())).then(() => trying(() => endClaim(claimed))));
          return;
        }
        if (random() < 0.3) await wait(random() * 10);
        if (random() < 0.1) await renewLeases(db, claimed, LEASE_MS);
        if (random() < 0.5) await endClaim(claimed);
        else for (const request of claimed) await endClaim([request]);
      });
    }
    await Promise.all(zombies);
  }

  async function dates(): Promise<void> {
    while (going()) {
      await trying(() => db.transaction((tx) => activateLogged(tx, log)));
      await trying(async () => void (await endPatience(db, random() * 200, 5)));
      await wait(10);
    }
  }

  async function people(): Promise<void> {
    while (going()) {
      await trying(async () => {
        const [pending] = await db.query<LogRow>(PICK_PENDING, [random()]);
        if (!pending) return;
        await db.transaction(async (tx) => {
          const result = await withdrawRequest(tx, pending.number, null, PARTS.recordOutcomes);
          if (result.withdrawn) await log(tx, 'withdrawn', [pending]);
        });
      });
      await wait(15);
    }
  }

  async function auditor(): Promise<void> {
    while (going()) {
      await trying(async () => void report.auditProblems.push(...(await audit(db))));
      report.audits += 1;
      await wait(50);
    }
  }

  const many = (count: number, work: () => Promise<void>): Promise<void>[] => Array.from({ length: count }, work);
  await Promise.all([
    ...many(options.submitters, submitter),
    ...many(options.workers, worker),
    dates(),
    people(),
    auditor(),
  ]);

  report.stuck = await finishTheRest(db, log).catch(async (error: unknown) => {
    report.errors.push(String(error));
    return await backlog(db);
  });
  report.auditProblems.push(...(await audit(db)));
  report.deadlocks = await deadlocks(db);
  readLog(await db.query<LogEntry>('select kind, number, cards, token from claim_log order by seq'), report);
  return report;
}

interface LogRow {
  number: number;
  cards: readonly string[];
  token?: string;
}
interface LogEntry extends LogRow {
  kind: 'due' | 'claimed' | 'released' | 'final' | 'withdrawn';
}
type Log = (tx: Transaction, kind: string, rows: readonly LogRow[]) => Promise<void>;

const WRITE_LOG = /* sql */ `
insert into claim_log (kind, number, cards, token)
select $1::text, r.number, array(select jsonb_array_elements_text(r.cards)), r.token
  from jsonb_to_recordset($2::jsonb) r (number bigint, cards jsonb, token text)`;
const READ_SUBMITTED = /* sql */ `
select number, cards, waits >= 0 as due from work where number = any($1::bigint[]) order by number`;
const PICK_PENDING = /* sql */ `
select number, cards from work
 where number >= (select min(number) + (max(number) - min(number)) * $1::float8 from work) order by number limit 1`;

async function backlog(db: Database): Promise<number> {
  const [row] = await db.query<{ requests: number }>('select count(*) as requests from work');
  return row?.requests ?? 0;
}

async function deadlocks(db: Database): Promise<number> {
  const [row] = await db.query<{ deadlocks: number }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  return row?.deadlocks ?? 0;
}

async function claimLogged(db: Database, limit: number, leaseMs: number, log: Log): Promise<ClaimedRequest[]> {
  return await db.transaction(async (tx) => {
    const claimed = await claimRequests(tx, { limit, leaseMs, token: randomUUID() });
    await log(tx, 'claimed', claimed);
    return claimed;
  });
}

async function activateLogged(tx: Transaction, log: Log): Promise<void> {
  const scheduled = await tx.query<LogRow>('select number, cards from work where waits < 0');
  if ((await activateDueRequests(tx, 20)) === 0) return;
  const numbers = scheduled.map(({ number }) => number);
  const due = await tx.query<LogRow>('select number, cards from work where waits >= 0 and number = any($1)', [numbers]);
  await log(tx, 'due', due);
}

/** Ends every lease and back-off, and claims and finishes until nothing is left; gives how many nobody can claim. */
async function finishTheRest(db: Database, log: Log): Promise<number> {
  for (;;) {
    await db.query('update work set ready_at = now()');
    await db.transaction((tx) => activateLogged(tx, log));
    const claimed = await claimLogged(db, 100, 60_000, log);
    if (claimed.length === 0) return await backlog(db);
    await db.transaction(async (tx) => {
      const numbers = await finishRequests(
        tx,
        claimed.map((request) => completed(request)),
        PARTS,
      );
      await log(
        tx,
        'final',
        claimed.filter(({ number }) => numbers.includes(number)),
      );
    });
  }
}

/** Goes through what happened, in the database's order, card by card. */
function readLog(entries: readonly LogEntry[], report: HistoryReport): void {
  const unfinished = new Map<string, Set<number>>();
  const sending = new Map<string, number>();
  const tokens = new Map<number, string>();
  const final = new Set<number>();
  for (const { kind, number, cards, token } of entries) {
    for (const card of cards) {
      const lane = unfinished.get(card) ?? new Set();
      unfinished.set(card, lane);
      const current = sending.get(card);
      if (kind === 'due') lane.add(number);
      if (kind === 'claimed') {
        if (current !== undefined && current !== number) {
          report.overlaps.push(`${number} was claimed on card ${card} while ${current} was being sent`);
        }
        // A request that was already being sent goes on with a new lease, whatever has come due since.
        const earlier = current === number ? undefined : [...lane].find((other) => other < number);
        if (earlier !== undefined)
          report.orderViolations.push(`${number} was claimed before ${earlier} on card ${card}`);
        sending.set(card, number);
      }
      if (kind === 'released' || kind === 'final' || kind === 'withdrawn') {
        if (current === number) sending.delete(card);
        if (kind !== 'released') lane.delete(number);
      }
    }
    if (kind === 'claimed' && token !== undefined) tokens.set(number, token);
    if ((kind === 'released' || kind === 'final') && tokens.get(number) !== token) {
      report.wrongEndings.push(`${number} was ended by a claim that no longer held`);
    }
    if (kind === 'final' || kind === 'withdrawn') {
      if (final.has(number)) report.wrongEndings.push(`${number} became final twice`);
      final.add(number);
    }
  }
  report.finished = final.size;
}

function randomRequest(random: () => number, cards: number): NewRequest {
  const card = (): string => `card-${Math.floor(random() * cards)}`;
  const lot = random();
  const kind = random();
  const scheduled = random() < 0.15;
  return requestFor(
    lot < 0.03
      ? REPORT_FOR_STB
      : lot < 0.3
        ? pairingOf([...new Set(Array.from({ length: 2 + Math.floor(random() * 2) }, card))])
        : lot < 0.65
          ? cancelOf(card())
          : addTo(card()),
    {
      priority: kind < 0.2 ? 'EXPRESS' : 'REGULAR',
      bulk: kind >= 0.8,
      scheduledAt: scheduled ? new Date(Date.now() + random() * 400) : null,
    },
  );
}

function emptyReport(): HistoryReport {
  return {
    submitted: 0,
    finished: 0,
    audits: 0,
    deadlocks: 0,
    orderViolations: [],
    overlaps: [],
    wrongEndings: [],
    auditProblems: [],
    stuck: 0,
    errors: [],
  };
}
