import { openDatabase } from '../../src/platform/database.ts';

export interface Filled {
  /** Old final requests, each made by an event of its own, with an attempt and an outcome. */
  readonly old: number;
  /** The same, of yesterday. */
  readonly young: number;
  readonly pending: number;
}

/** Actions of each subscription: of the old ones the two newest have their events kept. */
export const VERSIONS = 5;
export const KEPT_VERSIONS = 2;

/** A database as years of work would have left it, with requests that wait to be sent. */
export async function fillForRetention(url: string, { old, young, pending }: Filled): Promise<void> {
  const db = openDatabase({ url, maxConnections: 1, applicationName: 'bench-fill', statementTimeoutMs: 900_000 });
  // Of each subscription all actions are old, or all are young.
  const age = `case when n <= ${old} then interval '400 days' else interval '1 day' end`;
  const subscription = `((n - 1) / ${VERSIONS})`;
  const all = `generate_series(1, ${old + young}) n`;
  await db.query(`insert into inbox (event_id, disposition, family, type, subscription_number, subscription_version, action_id,
      received_at, topic, partition, message_offset, message_timestamp, event)
    select 'e' || n, 'PLANNED', 'SERVICE', 'ADD_SERVICE', 'S' || ${subscription}, 1 + (n - 1) % ${VERSIONS}, 'a' || n,
      now() - ${age}, 'crm', 0, n, now(), jsonb_build_object('eventId', 'e' || n, 'filler', repeat(md5(n::text), 40))
      from ${all}`);
  await db.query(`insert into withheld (inbox_id, ordinal, subscription_number, action_id, type, reason, detail)
    select id, 1, subscription_number, action_id, 'ADD_SUBSCRIPTIONS', 'ALREADY_PAIRED', 'x' from inbox where id % 10 = 1`);
  await db.query(`insert into crm_action (subscription_number, id, number, received_at, revision)
    select 'S' || ${subscription}, 'a' || n, 'A' || n, now() - ${age}, 1 from ${all}`);
  await db.query(`insert into request (number, type, sequence_number, life_cycle_state, command, command_key, cards, process_name,
      subscription_number, action_id, inbox_id, submitted_at, scheduled_at, executed_at, attempts, reference_number)
    select n, 'ADD_SUBSCRIPTIONS', 1, case when n % 50 = 0 then 'REJECTED' else 'COMPLETED' end,
      jsonb_build_object('type', 'ADD_SUBSCRIPTIONS', 'smartcard', '1' || lpad(${subscription}::text, 10, '0'),
                         'service', jsonb_build_object('caId', '101', 'distributor', null)), 'k' || n,
      array['1' || lpad(${subscription}::text, 10, '0')], 'TRIGGER', 'S' || ${subscription}, 'a' || n, n,
      now() - ${age}, now() - ${age}, now() - ${age}, 1, 'ref-' || n
      from ${all}`);
  await db.query(`insert into request_final (state, number, reference_key)
    select life_cycle_state, number, reference_number from request`);
  await db.query(`insert into attempt (request_number, attempt, command, operation, url, answer, http_status, request_body,
      response_body, started_at, duration_ms, instance)
    select number, 1, type, 'AddSubscriptions', 'http://127.0.0.1/authorization', 'accepted', 200, repeat('x', 500),
      repeat('y', 500), executed_at, 1, 'bench' from request`);
  await db.query(`insert into outbox (kind, event_id, message_key, record, request_number, created_at, published_at)
    select 'REQUEST_OUTCOME', gen_random_uuid(), '\\x31', jsonb_build_object('requestNumber', number, 'filler', repeat('z', 500)),
      number, executed_at, executed_at from request order by number`);
  await db.query(
    `insert into request (number, type, sequence_number, command, cards, process_name, subscription_number)
     select ${old + young} + n, 'ADD_SUBSCRIPTIONS', 1,
            jsonb_build_object('type', 'ADD_SUBSCRIPTIONS', 'smartcard', card,
                               'service', jsonb_build_object('caId', '101', 'distributor', null)),
            array[card], 'TRIGGER', 'P' || card
       from (select n, '2' || lpad(n::text, 10, '0') as card from generate_series(1, $1::int) n) made`,
    [pending],
  );
  await db.query(
    `insert into lane (card, number) select cards[1], number from request where life_cycle_state = 'PENDING'`,
  );
  await db.query(`insert into work (number, waits, rank, ready_at, cards)
    select number, 0, 3, now() - interval '1 hour' + number * interval '1 ms', cards from request
     where life_cycle_state = 'PENDING'`);
  await db.query(`select setval('request_number', ${old + young + pending})`);
  await db.query('vacuum analyze');
  await db.query('checkpoint');
  await db.close();
}
