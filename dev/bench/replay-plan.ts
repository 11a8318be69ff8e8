import { openDatabase } from '../../src/platform/database.ts';
import { plan } from '../../src/planning/plan.ts';
import { planEvents } from '../../src/features/replay/plan-events.ts';
import { inboxPages } from '../../src/features/replay/select-events.ts';
import { loadLine, type Report } from './report.ts';
import { openSite } from './site.ts';

/** Each subscription has so many events: a new customer, then a service that is stopped and started in turn. */
const EVENTS_EACH = 10;
/** Of so many subscriptions one lacks a command that today's rules make. */
const FAULTY = 1_000;
/** A sample of the memory every so many events. */
const SAMPLE = 20_000;

/**
 * The plan of a replay of everything that a big inbox has: how many events a second, and what memory it takes while it
 * goes on. A few subscriptions lack a CANCEL, and the plan has to name exactly those.
 */
export async function replayPlan(report: Report, { events }: { readonly events: number }): Promise<void> {
  const subscriptions = Math.ceil(events / EVENTS_EACH);
  const site = await openSite(report, { parts: ['postgres'] });
  try {
    const filledAt = performance.now();
    for (let from = 0; from < subscriptions; from += 10_000) {
      const to = Math.min(subscriptions, from + 10_000) - 1;
      for (const statement of FILL) await site.db.query(statement, [from, to]);
    }
    await site.db.query('vacuum analyze');
    const total = subscriptions * EVENTS_EACH;
    report.line(`${total} events, made in ${seconds(filledAt)} s; ${loadLine()}`);
    const db = openDatabase({ url: site.databaseUrl, maxConnections: 2, applicationName: 'bench-replay' });
    try {
      const samples: number[] = [];
      let nextSample = SAMPLE;
      const beganAt = performance.now();
      const selection = {
        source: { kind: 'inbox', from: null, to: null, disposition: null },
        subscription: null,
        action: null,
        type: null,
      } as const;
      const summary = await planEvents(
        db,
        inboxPages(db, selection, null),
        { ...OPTIONS, plan },
        {
          row: () => {},
          progress: (done) => {
            if (done < nextSample) return;
            nextSample += SAMPLE;
            samples.push(process.memoryUsage().rss / 2 ** 20);
            if (samples.length % 5 === 0)
              report.line(`${done} events after ${seconds(beganAt)} s, ${mebibytes(samples.at(-1))}`);
          },
        },
      );
      const rate = Math.round(total / ((performance.now() - beganAt) / 1000));
      const half = samples.slice(Math.floor(samples.length / 2));
      const [early, late] = [Math.max(...samples.slice(0, -half.length)), Math.max(...half)];
      report.line(`planned in ${seconds(beganAt)} s: ${rate} events/s; ${loadLine()}`);
      const faulty = Math.ceil(subscriptions / FAULTY);
      report.check('it saw all events', summary.events === total, String(summary.events));
      report.check(
        `it names exactly the ${faulty} customers that differ`,
        summary.differing === faulty,
        String(summary.differing),
      );
      report.check(
        'and what would mend them',
        summary.send['CANCEL_SUBSCRIPTIONS'] === faulty,
        JSON.stringify(summary.send),
      );
      const seen = `at most ${mebibytes(early)} in the first half, ${mebibytes(late)} in the second`;
      report.check('the memory is flat', late < early * 1.25 + 32, seen);
    } finally {
      await db.close();
    }
  } finally {
    await site.close();
  }
}

const OPTIONS = {
  rules: {
    entitleAddedCards: false,
    smartcardPattern: /^\d{11}$/,
    setTopBoxPattern: /^[!-~]{1,30}$/,
    servicePattern: /^\d{1,8}$/,
  },
  stalePolicy: 'plan',
  again: false,
} as const;

const SNAPSHOT = /* sql */ `jsonb_build_object('id', 'id-' || s.number, 'number', s.number, 'version', v, 'state', 'EFFECTIVE',
  'services', jsonb_build_array(
    jsonb_build_object('id', 'sport', 'productId', 'p1', 'productCode', 'SPORT', 'productAlternativeCode', null,
      'caId', '1001', 'state', case when v % 2 = 1 then 'EFFECTIVE' else 'NOT_EFFECTIVE' end, 'distributor', null),
    jsonb_build_object('id', 'news', 'productId', 'p2', 'productCode', 'NEWS', 'productAlternativeCode', null,
      'caId', '1002', 'state', 'EFFECTIVE', 'distributor', null)),
  'installedItems', jsonb_build_array(
    jsonb_build_object('id', 'card', 'serialNumber', 'SN', 'alternativeCode', null, 'kind', 'SMARTCARD', 'caId', s.card, 'distributor', null),
    jsonb_build_object('id', 'box', 'serialNumber', 'SB', 'alternativeCode', null, 'kind', 'SET_TOP_BOX', 'caId', 'STB-' || s.card, 'distributor', null)))`;

const SUBSCRIPTIONS = /* sql */ `(select n, 'S' || lpad(n::text, 10, '0') as number, (70000000000 + n)::text as card
  from generate_series($1::int, $2::int) n) s`;

/** What intake would have left behind, but for the CANCEL of the last event of some. */
const FILL = [
  `insert into subscription (number, crm_id, version, snapshot)
   select s.number, 'id-' || s.number, v, ${SNAPSHOT} from ${SUBSCRIPTIONS} cross join (values (${EVENTS_EACH})) as last (v)`,
  `insert into subscription_card (card, subscription_number, joined_number, pairing_smartcards, pairing_set_top_boxes)
   select s.card, s.number, 1, array[s.card], array['STB-' || s.card] from ${SUBSCRIPTIONS}`,
  `insert into inbox (event_id, disposition, family, type, writer_type, subscription_number, subscription_version, action_id,
     occurred_at, received_at, topic, partition, message_offset, message_timestamp, event)
   select s.number || '-' || v, 'PLANNED', family, type, type, s.number, v, 'A-' || s.number || '-' || v, now(),
     timestamptz '2026-01-01' + v * interval '1 day', 'bench', 0, s.n * ${EVENTS_EACH} + v, now(),
     jsonb_build_object('family', family, 'eventId', s.number || '-' || v, 'occurredAt', 0, 'type', type, 'writerType', type,
       'action', jsonb_build_object('id', 'A-' || s.number || '-' || v, 'number', v::text, 'transactionReference', null,
         'executedAt', 0, 'executedBy', null, 'facets', 1),
       'subscription', ${SNAPSHOT}, 'movedServices', '[]'::jsonb, 'movedInstalledItems', '[]'::jsonb)
       || case when v = 1 then '{}'::jsonb else jsonb_build_object('removedInstalledItems', '[]'::jsonb,
         'incomingInstalledItems', '[]'::jsonb, 'incomingServices', case when v % 2 = 1 then '["sport"]' else '[]' end::jsonb,
         'outgoingServices', case when v % 2 = 0 then '["sport"]' else '[]' end::jsonb) end
   from ${SUBSCRIPTIONS} cross join generate_series(1, ${EVENTS_EACH}) v
     cross join lateral (select case when v = 1 then 'SUBSCRIPTION' else 'SERVICE' end as family,
       case when v = 1 then 'BECOME_SUBSCRIBER' when v % 2 = 0 then 'STOP_SERVICE' else 'START_SERVICE' end as type) t
   order by v, s.n`,
  `insert into request (number, type, sequence_number, life_cycle_state, command, command_key, cards, subscription_number,
     submitted_at, executed_at, process_name, action_id, inbox_id)
   select nextval('request_number'), c.type, 1, 'COMPLETED', c.command, c.key, array[i.card], i.number, i.received_at,
     i.received_at + interval '1 second', 'TRIGGER', i.action_id, i.id
   from (select i.id, i.action_id, i.received_at, i.subscription_version as v, s.number, s.card, s.n
         from inbox i join ${SUBSCRIPTIONS} on s.number = i.subscription_number order by i.id) i
   cross join lateral (
     select 'CREATE_PAIRING' as type, jsonb_build_object('type', 'CREATE_PAIRING',
         'smartcards', jsonb_build_array(jsonb_build_object('caId', i.card, 'distributor', null)),
         'setTopBoxes', jsonb_build_array(jsonb_build_object('caId', 'STB-' || i.card, 'distributor', null))) as command,
       '["CREATE_PAIRING",["[\\"' || i.card || '\\",null]"],["[\\"STB-' || i.card || '\\",null]"]]' as key where i.v = 1
     union all
     select t.type, jsonb_build_object('type', t.type, 'smartcard', i.card,
         'service', jsonb_build_object('caId', t.service, 'distributor', null)),
       '["' || t.type || '","' || i.card || '","' || t.service || '",null]'
     from (values ('ADD_SUBSCRIPTIONS', '1001', i.v % 2 = 1), ('ADD_SUBSCRIPTIONS', '1002', i.v = 1),
                  ('CANCEL_SUBSCRIPTIONS', '1001', i.v % 2 = 0 and (i.v < ${EVENTS_EACH} or i.n % ${FAULTY} <> 0)))
       as t (type, service, made) where t.made) c`,
];

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function mebibytes(value = 0): string {
  return `${Math.round(value)} MiB`;
}
