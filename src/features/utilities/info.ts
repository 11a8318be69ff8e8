import { z } from 'zod';
import type { Subscription } from '../../events/crm.generated.ts';
import { holdingSnapshots } from '../../identifiers/holders.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import { outcomeFailure } from '../../operations/outcome.ts';
import { comparableServiceCaId } from '../../planning/command.ts';
import { type Entitlement, entitlementsOn } from '../../planning/reconcile.ts';
import { groupOf } from '../../planning/snapshot.ts';
import type { Queryable } from '../../platform/database.ts';
import type { ProvisioningRequest } from '../../requests/find.ts';
import { utilityInputs } from './inputs.ts';
import { sendToCards } from './targets.ts';
import { utilityCli, utilityFields, utilityText } from './utility.ts';

const through = z.strictObject({
  subscription_number: z.string(),
  service_id: z.string(),
  product_code: z.string(),
  state: z.string(),
});
const comparedService = z.strictObject({
  service_ca_id: z.string(),
  finding: z.enum(['BOTH', 'MISSING_IN_CAS', 'TOO_MUCH_IN_CAS']),
  through: z.array(through).describe('Effective services of the newest snapshots that entitle the card.'),
});
const pairing = z.strictObject({
  crm: z.array(z.string()).describe("The set-top boxes of the card's distributors, in all subscriptions that hold it."),
  cas: z.array(z.string()).nullable().describe('Null if the CAS has not answered: the request has the reason.'),
  finding: z
    .enum(['EQUAL', 'DIFFERS'])
    .nullable()
    .describe('EQUAL: the CAS has all that the CRM has. Null without an answer.'),
});
const cardInformation = z
  .strictObject({
    smartcard_ca_id: z.string(),
    provisioning_request_number: z.int().describe('That asked for the active subscriptions.'),
    pairing,
    subscription_numbers: z.array(z.string()).describe('Subscriptions that hold the card.'),
    changing: z.boolean().describe('Requests of the card are on their way: what differs may be about to change.'),
    services: z
      .array(comparedService)
      .nullable()
      .describe('Null if the CAS has not answered: the request has the reason.'),
  })
  .meta({ id: 'CardInformation', description: 'What the CAS has for a card, with what the CRM entitles.' });
type CardInformation = z.output<typeof cardInformation>;

/** `info`: what the CAS has on smart cards. */
export const info: Feature = {
  name: 'info',
  summary: 'Asks the CAS for the active subscriptions of cards (docs/utilities.md).',
  operations: [
    operation({
      name: 'info',
      summary: 'Compare the active subscriptions and the pairing of smart cards with the CRM',
      description:
        'Asks the CAS for active subscriptions and pairing, waits for its answers, and compares them with the newest snapshots of all subscriptions that hold the card. The questions do not wait for other requests of the card.',
      role: 'operator',
      route: 'POST /utilities/information',
      input: (patterns) => utilityInputs(patterns).information,
      output: z
        .strictObject({ ...utilityFields, cards: z.array(cardInformation) })
        .meta({ id: 'InformationOutcome', description: 'The answers of the information utility.' }),
      example: { smartcard_ca_ids: ['20000000329'] },
      takesIdempotencyKey: true,
      cli: {
        ...utilityCli,
        text: (output) => `${utilityText(output)}${output.cards.map(cardText).join('')}`,
        failure: (output) => outcomeFailure(output, true),
      },
      async handle(context, input) {
        const { shown, outcome } = await sendToCards(
          context,
          'CONAX_INFORMATION_UTILITY',
          { ...input, wait: true },
          (smartcard) => [
            { type: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard },
            { type: 'GET_PAIRING_STATUS_FOR_CARD', smartcard },
          ],
        );
        return { ...shown, cards: await compareWithCrm(context.db, outcome.requests) };
      },
    }),
  ],
};

/** Compares the answers with the newest snapshots, both as they are now. */
async function compareWithCrm(db: Queryable, requests: readonly ProvisioningRequest[]): Promise<CardInformation[]> {
  const asked = requests.flatMap((request) =>
    request.command.type === 'GET_ACTIVE_SUBSCRIPTIONS' ? [{ request, card: request.command.smartcard.caId }] : [],
  );
  const cards = asked.map(({ card }) => card);
  const holders = await holdingSnapshots(db, cards);
  // Afterwards: a change that is not in the snapshots yet shows here.
  const busy = new Set((await db.query<{ card: string }>(FIND_BUSY, [cards])).map(({ card }) => card));
  return asked.map(({ request, card }) => {
    const snapshots = holders.get(card) ?? [];
    const active = request.lifeCycleState === 'COMPLETED' ? (request.answer?.activeServices ?? null) : null;
    return {
      smartcard_ca_id: card,
      provisioning_request_number: request.number,
      services: active === null ? null : compareServices(card, active, snapshots),
      pairing: comparePairing(card, requests, snapshots),
      subscription_numbers: snapshots.map(({ number }) => number).toSorted(),
      changing: busy.has(card),
    };
  });
}

function comparePairing(
  card: string,
  requests: readonly ProvisioningRequest[],
  snapshots: readonly Subscription[],
): z.output<typeof pairing> {
  const crm = [...new Set(snapshots.flatMap((snapshot) => groupOf(card, snapshot)))];
  const answered = requests.find(
    ({ command, lifeCycleState }) =>
      command.type === 'GET_PAIRING_STATUS_FOR_CARD' &&
      command.smartcard.caId === card &&
      lifeCycleState === 'COMPLETED',
  );
  if (answered === undefined) return { crm, cas: null, finding: null };
  const cas = [...(answered.answer?.pairing?.setTopBoxes ?? [])];
  return { crm, cas, finding: crm.every((stb) => cas.includes(stb)) ? 'EQUAL' : 'DIFFERS' };
}

/**
 * Returns the service CA ids that either side has on the card, in the order of their numbers. They are compared without
 * leading zeros (R4), and written as the CAS writes them if it has them.
 */
function compareServices(
  card: string,
  active: readonly string[],
  snapshots: readonly Subscription[],
): z.output<typeof comparedService>[] {
  const inCas = new Map(active.map((caId) => [comparableServiceCaId(caId), caId]));
  const inCrm = entitlementsOn(card, snapshots);
  return [...new Set([...inCas.keys(), ...inCrm.keys()])]
    .toSorted((one, other) => Number(one) - Number(other) || (one < other ? -1 : 1))
    .map((key) => {
      const [cas, crm] = [inCas.get(key), inCrm.get(key)];
      return {
        service_ca_id: cas ?? crm?.[0]?.serviceCaId ?? key,
        finding: cas === undefined ? 'MISSING_IN_CAS' : crm === undefined ? 'TOO_MUCH_IN_CAS' : 'BOTH',
        through: (crm ?? []).map(throughOf),
      };
    });
}

function throughOf({ service, subscription }: Entitlement): z.output<typeof through> {
  const { id, productCode, state } = service;
  return { subscription_number: subscription.number, service_id: id, product_code: productCode, state };
}

const FINDINGS = { BOTH: 'both', MISSING_IN_CAS: 'MISSING IN CAS', TOO_MUCH_IN_CAS: 'TOO MUCH IN CAS' } as const;

function cardText({
  smartcard_ca_id: card,
  subscription_numbers: numbers,
  services,
  pairing: paired,
  changing,
}: CardInformation): string {
  const lines =
    services?.map(({ service_ca_id: caId, finding, through: entitling }) => {
      const by = entitling.map((one) => `${one.product_code} of ${one.subscription_number} (${one.state})`);
      return `  ${caId.padEnd(8)}  ${FINDINGS[finding].padEnd(15)}  ${by.join(', ')}`.trimEnd();
    }) ?? [];
  if (services === null) lines.push('  the CAS has not answered');
  else if (services.length === 0) lines.push('  nothing in the CAS, and nothing entitled');
  const { crm, cas, finding } = paired;
  const present = cas?.join(' ') || 'nothing';
  if (finding === 'DIFFERS') lines.push(`  PAIRING DIFFERS  the CAS has ${present}, the CRM ${crm.join(' ')}`);
  else lines.push(finding === null ? '  the CAS has not answered about the pairing' : `  paired with ${present}`);
  if (changing) lines.push('  requests of the card are on their way: what differs may be about to change');
  const held = numbers.length === 0 ? 'held by no subscription that is known' : numbers.join(' ');
  return `\nsmart card ${card}  ${held}\n${lines.join('\n')}\n`;
}

/** Walks lane's primary key. */
const FIND_BUSY = /* sql */ `select distinct card from lane where card = any($1::text[])`;
