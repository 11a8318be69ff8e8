import { z } from 'zod';
import type { SubscriptionState } from '../../events/crm.generated.ts';
import { refuse, text } from '../../http/input-kinds.ts';
import { moment } from '../../operations/fields.ts';

/** How many cards or subscriptions one list may name. */
export const LISTED_MAX = 200_000;

const SUBSCRIPTION_STATES = Object.keys({
  DRAFT: true,
  EFFECTIVE: true,
  NOT_EFFECTIVE: true,
  SHORT_TERM_EFFECTIVE: true,
  SHORT_TERM_NOT_EFFECTIVE: true,
  IN_RESTING: true,
  TERMINATED: true,
} satisfies Record<Exclude<SubscriptionState, 'UNKNOWN'>, true>) as [SubscriptionState, ...SubscriptionState[]];

const value = text(200).min(1, 'give it a value');

const productIdentifier = z
  .strictObject({
    id: value
      .optional()
      .describe('With an effective service of this product, by the id of the product or the service.'),
    code: value.optional().describe('With an effective service of this product, by its code.'),
    alternative_code: value.optional().describe('With an effective service of this product, by its alternative code.'),
  })
  .superRefine((given, context) => {
    if (Object.values(given).filter((one) => one !== undefined).length === 1) return;
    refuse(context, 'PARAMETER_INVALID', 'give exactly one of {id}, {code} and {alternative_code}');
  });

/** Conditions on the newest snapshots. All given ones must hold. */
const filters = {
  all: z
    .literal(true, 'give true, or leave it out')
    .optional()
    .describe('Everything known; only without another filter.'),
  /** An effective service of this product (R2); for cards, on that card (R1). */
  product: productIdentifier.optional(),
  subscription_states: z
    .array(z.enum(SUBSCRIPTION_STATES, `give states out of ${SUBSCRIPTION_STATES.join(', ')}`))
    .min(1, 'give at least one state')
    .max(SUBSCRIPTION_STATES.length)
    .optional()
    .describe('Of subscriptions in one of these states.'),
  distributor: value
    .nullable()
    .optional()
    .describe('With this distributor of the card, or of any card of the subscription; null: without one.'),
};

/** An empty selection is refused, since a slip would reach every customer. */
function oneWay(...wholes: readonly [string, ...string[]]) {
  return (given: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void => {
    const { refused_with: code, refused_since: since, ...rest } = given;
    if ((code === undefined) !== (since === undefined)) {
      return refuse(context, 'PARAMETERS_CONFLICT', 'give {refused_with} and {refused_since} together');
    }
    const named = Object.entries({ ...rest, refused_with: code }).filter(([, one]) => one !== undefined);
    const whole = named.filter(([name]) => name === 'all' || wholes.includes(name)).length;
    if (named.length > whole ? whole === 0 : whole === 1) return;
    const alone = [...wholes, 'all'].map((name) => `{${name}} alone`).join(', or ');
    const some = '{product}, {subscription_states} and {distributor}';
    refuse(context, 'PARAMETERS_CONFLICT', `give ${alone}, or some of ${some}`);
  };
}

/** Selects cards by a list or by filters. */
export const cardSelection = z
  .strictObject({
    ...filters,
    cards: z
      .array(z.string('give CA ids as texts'))
      .min(1, 'give at least one card')
      .max(LISTED_MAX, `give at most ${LISTED_MAX} cards`)
      .optional()
      .describe('These smart cards, known or not.'),
  })
  .superRefine(oneWay('cards'));
export type CardSelection = z.output<typeof cardSelection>;

/** Selects subscriptions by a list of numbers, by filters, or by refusals since a time. */
export const subscriptionSelection = z
  .strictObject({
    ...filters,
    subscriptions: z
      .array(value)
      .min(1, 'give at least one number')
      .max(LISTED_MAX, `give at most ${LISTED_MAX} numbers`)
      .optional()
      .describe('These subscriptions, which must be known.'),
    refused_with: value.optional().describe('With a request that was REJECTED with this error code.'),
    refused_since: moment('With such a request that was submitted from then on')
      .transform((at) => at.toISOString())
      .optional(),
  })
  .superRefine(oneWay('subscriptions', 'refused_with'));
export type SubscriptionSelection = z.output<typeof subscriptionSelection>;

export type Filters = Omit<CardSelection, 'cards'>;

/** Returns five parameters for the conditions below, from `$first` on. */
export function filterValues(given: Filters): readonly unknown[] {
  return [
    given.subscription_states ?? null,
    given.distributor !== undefined,
    given.distributor ?? null,
    given.product === undefined ? null : Object.keys(given.product)[0],
    given.product === undefined ? null : Object.values(given.product)[0],
  ];
}

/** Returns an SQL condition: the subscription with the snapshot `s.snapshot` has a selected state. */
export function stateFits(first: number): string {
  return `($${first}::text[] is null or s.snapshot ->> 'state' = any ($${first}::text[]))`;
}

/**
 * Returns an SQL condition: a card with this distributor is selected, and has an effective service of the product there
 * (R1, R2).
 */
export function placeFits(first: number, distributor: string): string {
  const [byDistributor, wanted, field, product] = [first + 1, first + 2, first + 3, first + 4];
  return /* sql */ `
       (not $${byDistributor}::boolean or ${distributor} is not distinct from $${wanted}::text)
   and ($${field}::text is null or exists (
         select from jsonb_array_elements(s.snapshot -> 'services') service
          where service ->> 'state' in ('EFFECTIVE', 'SHORT_TERM_EFFECTIVE')
            and service ->> 'distributor' is not distinct from ${distributor}
            and case $${field}::text when 'code' then service ->> 'productCode' = $${product}::text
                     when 'alternative_code' then service ->> 'productAlternativeCode' = $${product}::text
                     else $${product}::text in (service ->> 'productId', service ->> 'id') end))`;
}
