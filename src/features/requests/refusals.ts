import { z } from 'zod';
import { CONAX_CODE_MEANINGS } from '../../conax/code-meanings.ts';
import { DISPATCH_ERROR_CODES } from '../../dispatch/error-codes.ts';
import { instant, type RowOf, shownRow } from '../../operations/fields.ts';
import { type Column, table } from '../../platform/terminal-text.ts';
import type { Queryable } from '../../platform/database.ts';

/** How many refusals a group shows. */
const SAMPLES = 5;

const counted = {
  code: z.string(),
  meaning: z.string().nullable().describe('Null: the CAS made the code up, or the list of codes has it not.'),
  count: z.int(),
  newest_date: instant(),
};

/** The refusals with one code, in short. */
export const refusalCount = z
  .strictObject(counted)
  .meta({ id: 'RefusalCount', description: 'How many requests were refused with one code.' });

/** The refusals with one code, with what a person needs to decide about them. */
export const refusalGroup = z
  .strictObject({
    ...counted,
    remedy: z.string().nullable(),
    subscriptions: z.int().describe('How many subscriptions they are of.'),
    oldest_date: instant(),
    samples: z
      .array(
        z.strictObject({
          number: z.int(),
          smartcard_ca_id: z.string().nullable(),
          subscription_number: z.string().nullable(),
          description: z.string().nullable(),
        }),
      )
      .describe(`The newest, at most ${SAMPLES}.`),
  })
  .meta({ id: 'RefusalGroup', description: 'The requests that were refused with one code.' });
export type RefusalGroup = z.output<typeof refusalGroup>;

/** Refusals by code, the most frequent first. */
export interface Refusals {
  /** False: there are more than were looked at, and these are the newest. */
  readonly complete: boolean;
  readonly groups: readonly RefusalGroup[];
}

/** Groups the refusals of requests that were submitted since a time; looks at no more than the newest `lookedMax`. */
export async function groupRefusals(
  db: Queryable,
  { since, from, lookedMax }: { readonly since: Date; readonly from: number; readonly lookedMax: number },
): Promise<Refusals> {
  const rows = await db.query<Row>(GROUP, [from, lookedMax, since, SAMPLES]);
  return {
    complete: (rows[0]?.looked ?? 0) < lookedMax,
    groups: rows.map(({ looked: _looked, ...row }) => shownRow<RefusalGroup>({ ...row, ...meaningOf(row.code) })),
  };
}

type Row = Omit<RowOf<RefusalGroup>, 'meaning' | 'remedy'> & { readonly looked: number };

const MEANINGS = new Map<string, { readonly meaning: string; readonly remedy: string }>([
  ...Object.entries(CONAX_CODE_MEANINGS),
  ...DISPATCH_ERROR_CODES.map((one) => [one.code, one] as const),
]);

/** Returns what the documents say about an error code of requests; nulls for a code that the CAS made up. */
export function meaningOf(code: string): { readonly meaning: string | null; readonly remedy: string | null } {
  const { meaning = null, remedy = null } = MEANINGS.get(code.replace(/^HTTP_4\d\d$/, 'HTTP_4xx')) ?? {};
  return { meaning, remedy };
}

/** Returns a table of the groups for people, each with what to do about it. */
export function refusalsText({
  complete,
  refusals,
}: {
  readonly complete: boolean;
  readonly refusals: readonly RefusalGroup[];
}): string {
  if (refusals.length === 0) return 'Nothing was refused';
  const more = complete ? '' : 'There are more: these are the newest\n';
  return more + table(COLUMNS, refusals, 200);
}

const COLUMNS: readonly Column<RefusalGroup>[] = [
  ['code', ({ code }) => code],
  ['count', ({ count }) => count],
  ['subscriptions', ({ subscriptions }) => subscriptions],
  ['newest', ({ newest_date: newest }) => newest],
  ['sample', ({ samples }) => samples[0]?.number ?? null],
  ['what to do', ({ remedy }) => remedy],
];

/** Walks request_final's primary key backwards from the newest, and request's primary key. */
const GROUP = /* sql */ `
with looked as materialized (
  select number from request_final where state = 'REJECTED' and number >= $1::bigint order by number desc limit $2::int
), refused as materialized (
  select r.number, coalesce(r.error_code, 'REJECTED') as code, r.error_description as description, r.cards[1] as card,
         r.subscription_number as subscription, r.submitted_at,
         row_number() over (partition by r.error_code order by r.number desc) as place
    from looked cross join lateral (select * from request where number = looked.number offset 0) r
   where r.submitted_at >= $3::timestamptz
)
select code, count(*)::int as count, count(distinct subscription)::int as subscriptions,
       min(submitted_at) as oldest_date, max(submitted_at) as newest_date,
       jsonb_agg(jsonb_build_object('number', number, 'smartcard_ca_id', card, 'subscription_number', subscription,
                                    'description', description) order by number desc)
         filter (where place <= $4::int) as samples,
       (select count(*) from looked)::int as looked
  from refused group by code order by count(*) desc, code`;
