import { why } from '../../src/features/why/why.ts';
import type { OperationContext } from '../../src/operations/operation.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { loadLine, quantile, type Report } from './report.ts';
import { openSite } from './site.ts';

const ROUNDS = 300;
const MOST_MS = 100;
/** Of each subscription. */
const REQUESTS = 5;
const EVENTS = 10;
/** Requests of one card. */
const LONG = 20_000;
const WAITING = 100_000;

/**
 * What `why` takes without the CAS on a big table, from each kind of number, beside the bare look-ups of one card: its
 * subscription's snapshot and its newest requests.
 */
export async function explain(report: Report, { requests }: { readonly requests: number }): Promise<void> {
  const site = await openSite(report, { parts: ['postgres'] });
  try {
    const startedAt = performance.now();
    const subscriptions = Math.ceil(requests / REQUESTS);
    await fill(site.databaseUrl, subscriptions);
    const [size] = await site.db.query<{ size: string; events: number }>(
      `select pg_size_pretty(pg_database_size(current_database())) as size, (select max(id) from inbox) as events`,
    );
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    report.line(`${requests} requests, ${size?.events} events, ${size?.size}, made in ${seconds} s; ${loadLine()}`);
    const db = openDatabase({ url: site.databaseUrl, maxConnections: 4, applicationName: 'bench-why' });
    try {
      await measure(report, db, subscriptions);
    } finally {
      await db.close();
    }
  } finally {
    await site.close();
  }
}

async function measure(report: Report, db: Database, subscriptions: number): Promise<void> {
  const some = (round: number): number => 1 + ((round * 7_919) % subscriptions);
  const numbers: readonly (readonly [string, (round: number) => string])[] = [
    ['a smart card', (round) => cardOf(some(round))],
    ['an STB', (round) => `STB${some(round)}`],
    ['a subscription', (round) => `S${some(round)}`],
    ['a request', (round) => String(some(round) * REQUESTS)],
    ['an action', (round) => `A${some(round) * EVENTS}`],
    ['an event', (round) => `e${some(round) * EVENTS}`],
    [`a card with ${LONG} requests`, () => cardOf(0)],
    [`a card that waits behind ${WAITING} others`, (round) => `2${String(WAITING - (round % 100)).padStart(10, '0')}`],
    ['a number that nothing has', (round) => `9${String(round).padStart(10, '0')}`],
  ];
  const bare = await timed((round) =>
    Promise.all([
      db.query(BARE_SNAPSHOT, [cardOf(some(round))]),
      db.query('select number from request where cards[1] = $1 order by number desc limit 200', [cardOf(some(round))]),
    ]),
  );
  report.line(`bare look-ups of a card: p50 ${bare.p50.toFixed(1)} ms, p95 ${bare.p95.toFixed(1)} ms`);
  const [handle] = why.operations;
  const context = { db, patterns: { smartcard: /^\d{11}$/ } } as unknown as OperationContext;
  for (const [name, of] of numbers) {
    const { p50, p95 } = await timed((round) =>
      Promise.resolve(handle?.handle(context, { of: of(round), ask: false })),
    );
    const ratio = (p50 / bare.p50).toFixed(1);
    const figures = `p50 ${p50.toFixed(1)} ms (${ratio} of the bare look-ups), p95 ${p95.toFixed(1)} ms, at most ${MOST_MS}`;
    report.check(`why, of ${name}`, p95 <= MOST_MS, figures);
  }
}

async function timed(work: (round: number) => Promise<unknown>): Promise<{ p50: number; p95: number }> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    await work(round);
    times.push(performance.now() - startedAt);
  }
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) };
}

const BARE_SNAPSHOT = `select s.snapshot from subscription_card c join subscription s on s.number = c.subscription_number
  where c.card = $1`;

function cardOf(subscription: number): string {
  return `1${String(subscription).padStart(10, '0')}`;
}

/** Subscriptions with a card, an STB and three services, their events and requests, one long card, and a long line. */
async function fill(url: string, subscriptions: number): Promise<void> {
  const db = openDatabase({ url, maxConnections: 1, applicationName: 'bench-fill', statementTimeoutMs: 3_600_000 });
  const card = (n: string): string => `'1' || lpad(${n}::text, 10, '0')`;
  const item = (kind: string, caId: string): string =>
    `jsonb_build_object('id', '${kind}' || n, 'kind', '${kind}', 'caId', ${caId}, 'distributor', null, 'serialNumber', n::text, 'alternativeCode', null)`;
  const service = (caId: string): string =>
    `jsonb_build_object('id', 's${caId}-' || n, 'caId', '${caId}', 'state', 'EFFECTIVE', 'distributor', null, 'productId', 'p', 'productCode', 'P${caId}', 'productAlternativeCode', null)`;
  await db.query(`insert into subscription (number, crm_id, version, snapshot)
    select 'S' || n, 'c' || n, ${EVENTS}, jsonb_build_object('id', 'c' || n, 'number', 'S' || n, 'version', ${EVENTS}, 'state', 'EFFECTIVE',
      'services', jsonb_build_array(${service('101')}, ${service('102')}, ${service('103')}),
      'installedItems', jsonb_build_array(${item('SMARTCARD', card('n'))}, ${item('SET_TOP_BOX', `'STB' || n`)}))
      from generate_series(0, ${subscriptions}) n`);
  await db.query(`insert into subscription_card (subscription_number, card, joined_number, pairing_smartcards, pairing_set_top_boxes)
    select 'S' || n, ${card('n')}, 0, array[${card('n')}], array['STB' || n] from generate_series(0, ${subscriptions}) n`);
  await db.query(`insert into inbox (event_id, disposition, family, type, writer_type, subscription_number, subscription_version,
      action_id, occurred_at, topic, partition, message_offset, message_timestamp)
    select 'e' || n, 'PLANNED', 'SERVICE', 'ADD_SERVICE', 'ADD_SERVICE', 'S' || 1 + (n - 1) / ${EVENTS}, 1 + (n - 1) % ${EVENTS}, 'a' || n, now(),
      'crm', 0, n, now() from generate_series(1, ${subscriptions * EVENTS}) n`);
  await db.query(`insert into crm_action (subscription_number, id, number, revision)
    select 'S' || 1 + (n - 1) / ${EVENTS}, 'a' || n, 'A' || n, 1 from generate_series(1, ${subscriptions * EVENTS}) n`);
  await db.query(`insert into withheld (inbox_id, ordinal, subscription_number, action_id, type, reason, detail)
    select id, 1, subscription_number, action_id, 'ADD_SUBSCRIPTIONS', 'ALREADY_PAIRED', 'x' from inbox where id % 3 = 1`);
  const request = (number: string, state: string, of: string, cardText: string): string =>
    `select ${number}, 'ADD_SUBSCRIPTIONS', 1, '${state}', jsonb_build_object('type', 'ADD_SUBSCRIPTIONS', 'smartcard', ${cardText},
       'service', jsonb_build_object('caId', (101 + n % 3)::text, 'distributor', null)), array[${cardText}], 'TRIGGER', ${of}, 1`;
  const into =
    'insert into request (number, type, sequence_number, life_cycle_state, command, cards, process_name, subscription_number, attempts)';
  const all = subscriptions * REQUESTS;
  const of = `(1 + (n - 1) / ${REQUESTS})`;
  await db.query(`${into} ${request('n', 'COMPLETED', `'S' || ${of}`, card(of))} from generate_series(1, ${all}) n`);
  await db.query(`${into} ${request(`${all} + n`, 'COMPLETED', `'S0'`, card('0'))} from generate_series(1, ${LONG}) n`);
  const waiting = `'2' || lpad(n::text, 10, '0')`;
  await db.query(
    `${into} ${request(`${all + LONG} + n`, 'PENDING', `null`, waiting)} from generate_series(1, ${WAITING}) n`,
  );
  await db.query(`insert into lane (card, number) select cards[1], number from request where number > ${all + LONG}`);
  await db.query(`insert into work (number, waits, rank, ready_at, cards)
    select number, 0, 3, now() - interval '1 minute' + (number - ${all + LONG}) * interval '0.1 millisecond', cards from request where number > ${all + LONG}`);
  await db.query('vacuum analyze');
  await db.close();
}
