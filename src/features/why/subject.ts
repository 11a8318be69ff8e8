import type { Queryable } from '../../platform/database.ts';

/** The kinds of numbers that somebody may read out, the most specific first. */
export const SUBJECT_KINDS = [
  'smartcard',
  'stb',
  'subscription',
  'request',
  'action',
  'event',
  'reference_number',
] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/** What a number means, and what there is to explain about it. */
export interface Subject {
  readonly kind: SubjectKind;
  readonly id: string;
  /** The cards that it leads to. A subscription's cards come from its snapshot. */
  readonly cards: readonly string[];
  readonly subscriptions: readonly string[];
}

/**
 * Returns what a number means, the most specific first: a smart card before an STB, a subscription, a request, an
 * action, an event and a reference number. Spaces and dashes that people type are dropped if the number is not known
 * with them. Empty: nothing that is known has this number.
 */
export async function findSubjects(db: Queryable, typed: string): Promise<Subject[]> {
  const spellings = [...new Set([typed.trim(), typed.replaceAll(/[\s-]/g, '')])].filter((one) => one !== '');
  for (const spelling of spellings) {
    const subjects = await subjectsOf(db, spelling);
    if (subjects.length > 0) return subjects;
  }
  return [];
}

async function subjectsOf(db: Queryable, id: string): Promise<Subject[]> {
  // PostgreSQL has no U+0000, and so nothing has such a number.
  if (id.includes('\u0000')) return [];
  const [devices, subscriptions, requests, events] = await Promise.all([
    db.query<{ kind: 'smartcard' | 'stb'; subscription: string | null }>(FIND_DEVICE, [id, JSON.stringify([id])]),
    db.query<{ number: string }>(FIND_SUBSCRIPTION, [id]),
    db.query<{ kind: 'request' | 'reference_number'; cards: string[]; subscription: string | null }>(FIND_REQUEST, [
      /^[1-9]\d{0,14}$/.test(id) ? id : null,
      /^[0-9a-f]{32}$/i.test(id) ? id : null,
      id,
    ]),
    db.query<{ kind: 'action' | 'event'; subscription: string }>(FIND_EVENT, [id]),
  ]);
  const found: Subject[] = [];
  for (const kind of ['smartcard', 'stb'] as const) {
    const rows = devices.filter((row) => row.kind === kind);
    if (rows.length === 0) continue;
    found.push({ kind, id, cards: kind === 'smartcard' ? [id] : [], subscriptions: numbersIn(rows) });
  }
  for (const { number } of subscriptions)
    found.push({ kind: 'subscription', id: number, cards: [], subscriptions: [number] });
  for (const { kind, cards, ...row } of requests) found.push({ kind, id, cards, subscriptions: numbersIn([row]) });
  for (const kind of ['action', 'event'] as const) {
    const rows = events.filter((row) => row.kind === kind);
    if (rows.length > 0) found.push({ kind, id, cards: [], subscriptions: numbersIn(rows) });
  }
  return found;
}

function numbersIn(rows: readonly { readonly subscription: string | null }[]): string[] {
  return [...new Set(rows.flatMap(({ subscription }) => subscription ?? []))];
}

/**
 * Walks subscription_devices, subscription_card's primary key, request_card and request_further_card's primary key. A
 * card that no subscription holds now is still one if a request was made for it, other than a question of ours.
 */
const FIND_DEVICE = /* sql */ `
with holding as (
  select s.number, item ->> 'kind' as kind
    from subscription s cross join jsonb_array_elements(s.snapshot -> 'installedItems') item
   where jsonb_path_query_array(s.snapshot, '$.installedItems[*].caId') @> $2::jsonb and item ->> 'caId' = $1
)
select 'smartcard' as kind, number as subscription from holding where kind = 'SMARTCARD'
union select 'smartcard', subscription_number from subscription_card where card = $1
union select 'smartcard', null where exists (
  select from request where cards[1] = $1 and process_name <> 'CONAX_INFORMATION_UTILITY')
union select 'smartcard', null where exists (select from request_further_card where card = $1)
union select 'stb', number from holding where kind = 'SET_TOP_BOX'`;

/** Walks subscription's primary key and subscription_crm_id. */
const FIND_SUBSCRIPTION = /* sql */ `
select number from subscription where number = $1 union select number from subscription where crm_id = $1 limit 10`;

/** Walks request's primary key, request_id and request_final_reference. */
const FIND_REQUEST = /* sql */ `
(select 'request' as kind, cards, subscription_number as subscription from request where number = $1::bigint)
union all
(select 'request', cards, subscription_number from request where id = $2::uuid)
union all
(select 'reference_number', r.cards, r.subscription_number
   from request_final f join request r on r.number = f.number
  where f.reference_key = left($3, 200) and r.reference_number = $3 order by f.number desc limit 10)`;

/** Walks crm_action_number, inbox_action and inbox_seen. */
const FIND_EVENT = /* sql */ `
(select 'action' as kind, subscription_number as subscription from crm_action where number = $1 limit 10)
union
(select 'action', subscription_number from inbox where action_id = $1 and subscription_number is not null limit 10)
union
(select 'event', subscription_number from inbox
  where event_id = $1 and disposition not in ('DUPLICATE', 'DEAD_LETTERED') and subscription_number is not null)`;
