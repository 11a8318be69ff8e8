import { randomUUID } from 'node:crypto';
import { DISPATCH_PLANNER } from '../../src/platform/planner-settings.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { dispatchToInstantCas, SAMPLE_BODY } from './instant-cas.ts';
import { startTcpProxy, targetOf, through } from '../../test/support/tcp-proxy.ts';
import { loadLine, type Report } from './report.ts';
import { openSite, until } from './site.ts';
import { writesLine, writesOf } from './writes.ts';

const SLOTS = 32;
/** The dispatcher claims while it finishes, and so does the floor. */
const FLOOR_WORKERS = 2;
const FLOOR_BATCH = 2 * SLOTS;

/**
 * The dispatcher with a CAS that answers at once, inside the process (SOAP is measured apart), against claim, completion,
 * attempt and outbox of a bare queue without order, limits and rules, in the same run. One request a card.
 */
export async function dispatch(
  report: Report,
  options: { readonly requests: number; readonly distanceMs: number; readonly analysed: boolean },
): Promise<void> {
  const site = await openSite(report, { parts: ['postgres'] });
  const open = (url: string): Database =>
    openDatabase({
      url,
      settings: DISPATCH_PLANNER,
      maxConnections: 10,
      applicationName: 'bench-dispatch',
      prepared: true,
    });
  try {
    const bareUrl = await site.anotherDatabase();
    for (const url of [site.databaseUrl, bareUrl]) await fill(url, options);
    const bareDb = open(bareUrl);
    const bare = await bareRate(bareDb, options.requests);
    await bareDb.close();

    const db = open(site.databaseUrl);
    const before = await writesOf(site.db);
    const real = await dispatchedRate(db, options.requests);
    const [counted] = await db.query<{ completed: number; outcomes: number; attempts: number }>(
      `select (select count(*) from request where life_cycle_state = 'COMPLETED') as completed,
              (select count(*) from outbox) as outcomes, (select count(*) from attempt) as attempts`,
    );
    await db.close();
    // Sessions that ended have reported what they wrote.
    const after = await writesOf(site.db);
    report.line(
      `dispatch ${Math.round(real)} requests/s; bare claim, completion, attempt and outbox ${Math.round(bare)}/s; ` +
        `ratio ${(real / bare).toFixed(2)}; ${options.requests} requests, ${SLOTS} at once; ${loadLine()}`,
    );
    report.line(`dispatch: ${writesLine(before, after, options.requests)}`);
    report.check(
      'every request is COMPLETED, with one attempt and one outcome',
      Object.values(counted ?? {}).every((count) => count === options.requests),
      JSON.stringify(counted),
    );
    report.check('at least 0.35 of the bare queue', real / bare >= 0.35, `${(real / bare).toFixed(2)}, aim 0.7`);
    if (options.distanceMs > 0) {
      const farUrl = await site.anotherDatabase();
      await fill(farUrl, options);
      const way = await startTcpProxy(targetOf(farUrl), options.distanceMs);
      const farDb = open(through(way, farUrl));
      const far = await dispatchedRate(farDb, options.requests);
      await farDb.close();
      await way.close();
      report.line(
        `with the database ${options.distanceMs} ms away ${Math.round(far)} requests/s, ${(far / real).toFixed(2)} of that`,
      );
    }
  } finally {
    await site.close();
  }
}

/** Dispatches everything; returns how many requests a second became final. */
async function dispatchedRate(db: Database, requests: number): Promise<number> {
  const begunAt = performance.now();
  const dispatcher = dispatchToInstantCas(db, SLOTS);
  await until('every request is final', 80_000, 50, async () => {
    const [row] = await db.query<{ left: boolean }>('select exists (select from work) as left');
    return row?.left === false;
  });
  const seconds = (performance.now() - begunAt) / 1000;
  await dispatcher.stop();
  return requests / seconds;
}

async function bareRate(db: Database, requests: number): Promise<number> {
  await db.query(`create table bare_queue (number bigint primary key, rank smallint not null, ready_at timestamptz not null, token uuid)
     with (fillfactor = 80)`);
  await db.query('create index bare_queue_ready on bare_queue (rank, ready_at)');
  await db.query('insert into bare_queue select number, 1, ready_at from work');
  await db.query('analyze bare_queue');
  const begunAt = performance.now();
  await Promise.all(
    Array.from({ length: FLOOR_WORKERS }, async () => {
      while ((await bareRound(db)) > 0);
    }),
  );
  return requests / ((performance.now() - begunAt) / 1000);
}

async function bareRound(db: Database): Promise<number> {
  const token = randomUUID();
  const claimed = await db.query<{ number: number }>(BARE_CLAIM, [FLOOR_BATCH, token]);
  if (claimed.length === 0) return 0;
  const numbers = claimed.map(({ number }) => number);
  const references = numbers.map(() => randomUUID());
  const records = numbers.map((number) => JSON.stringify({ ...SAMPLE_RECORD, requestNumber: number }));
  await db.transaction(async (tx) => {
    await tx.query('delete from bare_queue where number = any($1::bigint[]) and token = $2', [numbers, token]);
    await tx.query(BARE_FINISH, [numbers, references]);
    await tx.query(BARE_ATTEMPT, [numbers, numbers.map(() => SAMPLE_BODY)]);
    await tx.query(BARE_OUTBOX, [numbers, records]);
  });
  return claimed.length;
}

const BARE_CLAIM = /* sql */ `
with claimed as (
  update bare_queue q set ready_at = now() + interval '30 s', token = $2::uuid, rank = 0
   where q.number = any (array(select number from bare_queue where rank = 1 and ready_at <= now()
                                order by ready_at limit $1 for update skip locked))
  returning number
)
select c.number, r.command, r.cards from claimed c join request r on r.number = c.number`;

const BARE_FINISH = /* sql */ `
update request r set life_cycle_state = 'COMPLETED', executed_at = now(), attempts = 1, reference_number = f.reference
  from unnest($1::bigint[], $2::text[]) f (number, reference) where r.number = f.number`;

const BARE_ATTEMPT = /* sql */ `
insert into attempt (request_number, attempt, command, operation, url, answer, http_status, request_body, response_body,
                     started_at, duration_ms, instance)
select number, 1, 'ADD_SUBSCRIPTIONS', 'AddSubscriptions', 'http://127.0.0.1/authorization', 'accepted', 200, body, body,
       now(), 1, 'bench' from unnest($1::bigint[], $2::text[]) a (number, body)`;

const BARE_OUTBOX = /* sql */ `
insert into outbox (kind, event_id, message_key, record, request_number)
select 'REQUEST_OUTCOME', gen_random_uuid(), '\\x31', record::jsonb, number
  from unnest($1::bigint[], $2::text[]) o (number, record)`;

/** About as long as a real one. */
const SAMPLE_RECORD = {
  eventId: randomUUID(),
  occurredAt: Date.now(),
  requestId: randomUUID(),
  type: 'ADD_SUBSCRIPTIONS',
  outcome: 'COMPLETED',
  errorCode: null,
  errorDescription: null,
  referenceNumber: randomUUID(),
  subscriptionNumber: 'S20000000001',
  smartcard: '20000000001',
  service: { caId: '101', distributor: null },
  existingSmartcard: null,
  smartcards: [],
  setTopBoxes: [],
  priority: 'REGULAR',
  attempts: 1,
  submittedAt: Date.now(),
  scheduledAt: Date.now(),
  executedAt: Date.now(),
  processName: 'TRIGGER',
  actionId: null,
  actionNumber: null,
  causationEventId: null,
  activeServices: null,
  pairedDevices: null,
};

/** As submitting would have left them. `analysed`: when there was one request left of as many before them. */
async function fill(url: string, { requests, analysed }: { requests: number; analysed: boolean }): Promise<void> {
  const db = openDatabase({ url, maxConnections: 1, applicationName: 'bench-fill', statementTimeoutMs: 120_000 });
  await db.query(
    `insert into request (number, type, sequence_number, command, cards, process_name, subscription_number)
     select nextval('request_number'), 'ADD_SUBSCRIPTIONS', 1,
            jsonb_build_object('type', 'ADD_SUBSCRIPTIONS', 'smartcard', card,
                               'service', jsonb_build_object('caId', '101', 'distributor', null)),
            array[card], 'TRIGGER', 'S' || card
       from (select '2' || lpad(n::text, 10, '0') as card from generate_series(1, $1::int) n) made`,
    [requests],
  );
  const queue = async (): Promise<void> => {
    await db.query('insert into lane (card, number) select cards[1], number from request');
    await db.query(`insert into work (number, waits, rank, ready_at, cards)
      select number, 0, 3, now() - interval '1 hour' + number * interval '1 ms', cards from request`);
  };
  await queue();
  if (analysed) {
    for (const table of ['lane', 'work']) {
      await db.query(`delete from ${table} where ctid < (select max(ctid) from ${table})`);
    }
  }
  await db.query('vacuum analyze');
  if (analysed) {
    await db.query('delete from lane');
    await db.query('delete from work');
    await queue();
  }
  await db.query('checkpoint');
  await db.close();
}
