import { z } from 'zod';
import { awaitOutcome, type Outcome, showOutcome } from '../operations/outcome.ts';
import { type CardInformation, compareWithCrm } from '../features/utilities/information.ts';
import { type SendingInput, utilityInputs, waits } from '../features/utilities/inputs.ts';
import { type PairingTold, pairingsTold } from '../features/utilities/pairing-answers.ts';
import type { Caller, Submitted } from '../features/utilities/submit.ts';
import { utilities } from '../features/utilities/utilities.ts';
import { type Asked, type Call, call } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { createIdempotencyHasher, idempotentCall } from '../http/idempotency.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import { leftOutView, utilityFields } from './request-shapes.ts';

const utilityOutput = successSchema(
  z.strictObject(utilityFields).meta({ id: 'UtilityOutcome', description: 'The requests of one call of a utility.' }),
);

const cardInformation = z
  .strictObject({
    smartcard_ca_id: z.string(),
    provisioning_request_number: z.string(),
    subscription_numbers: z.array(z.string()).describe('Subscriptions that hold the card.'),
    changing: z.boolean().describe('Requests of the card are on their way: what differs may be about to change.'),
    services: z
      .array(
        z.strictObject({
          service_ca_id: z.string(),
          finding: z.enum(['BOTH', 'MISSING_IN_CAS', 'TOO_MUCH_IN_CAS']),
          through: z
            .array(
              z.strictObject({
                subscription_number: z.string(),
                service_id: z.string(),
                product_code: z.string(),
                state: z.string(),
              }),
            )
            .describe('Effective services of the newest snapshots that entitle the card.'),
        }),
      )
      .nullable()
      .describe('Null where the CAS has not answered: the request says why.'),
  })
  .meta({ id: 'CardInformation', description: 'What the CAS says of a card beside what the CRM entitles.' });

const informationOutput = successSchema(
  z
    .strictObject({ ...utilityFields, cards: z.array(cardInformation) })
    .meta({ id: 'InformationOutcome', description: 'The answers of the information utility.' }),
);

const pairingTold = z
  .strictObject({
    provisioning_request_number: z.string(),
    smartcard_ca_id: z.string().nullable(),
    stb_ca_id: z.string().nullable(),
    answered: z.boolean().describe('False: the CAS has not answered, and the request says why.'),
    pairing: z
      .strictObject({ smartcard_ca_ids: z.array(z.string()), stb_ca_ids: z.array(z.string()) })
      .nullable()
      .describe('The devices that it is paired with, itself among them; null where there are none.'),
  })
  .meta({ id: 'PairingTold', description: "What the CAS says of one device's pairing." });

const pairingOutput = successSchema(
  z
    .strictObject({ ...utilityFields, pairings: z.array(pairingTold) })
    .meta({ id: 'PairingStatusOutcome', description: 'The answers about pairings.' }),
);

const WAITING =
  'Answers with the outcome, or after a time limit with what is PENDING still; with `wait: false` or a date ahead at once. That the CAS refused is in the data.';

/** The utilities in the operations API, each for some cards or one subscription. */
export function utilityCalls(parts: OperationsParts): Call[] {
  const { immediateTimeoutMs } = parts;
  const inputs = utilityInputs(parts.patterns);
  const offered = utilities(parts);
  const hasher = createIdempotencyHasher(parts.pinKey);
  return [
    utility('createPairingUtility', 'pairing/create', inputs.createPairing, offered.createPairing, {
      summary: 'Pair smart cards with set-top boxes',
      description: `The named devices together, or each distributor's devices of a subscription. ${WAITING}`,
    }),
    utility('addToPairingUtility', 'pairing/add', inputs.addToPairing, offered.addToPairing, {
      summary: 'Add devices to a pairing',
      description: `The named devices to the pairing of a card, or to each known pairing of a subscription what it lacks. ${WAITING}`,
    }),
    call({
      name: 'pairingStatusUtility',
      method: 'POST',
      paths: ['/utilities/pairing/status'],
      access: 'writer',
      tag: 'utilities',
      summary: 'Ask which devices are paired together',
      description: `One question for each card and set-top box. ${WAITING}`,
      input: inputs.pairingStatus,
      output: pairingOutput,
      takesIdempotencyKey: true,
      async handle(asked) {
        const submitted = await made(asked, 'pairingStatusUtility', offered.pairingStatus);
        const outcome = await outcomeOf(submitted, asked.input);
        return success({ ...viewOf(submitted, outcome), pairings: pairingsTold(outcome.requests).map(pairingView) });
      },
    }),
    call({
      name: 'informationUtility',
      method: 'POST',
      paths: ['/utilities/information'],
      access: 'writer',
      tag: 'utilities',
      summary: 'Active subscriptions of smart cards beside what the CRM entitles',
      description:
        'Asks the CAS, and puts its answer beside the newest snapshots of all subscriptions that hold the card, differences marked.',
      input: inputs.information,
      output: informationOutput,
      takesIdempotencyKey: true,
      async handle(asked) {
        const submitted = await made(asked, 'informationUtility', offered.information);
        const outcome = await awaitOutcome(parts, submitted.numbers, immediateTimeoutMs);
        const cards = await compareWithCrm(parts.db, outcome.requests);
        return success({ ...viewOf(submitted, outcome), cards: cards.map(cardView) });
      },
    }),
    utility('messageUtility', 'messages', inputs.message, offered.message, {
      summary: 'Show a mail, a bark or a repeating bark',
      description: `On the screens of cards or of a whole subscription. ${WAITING}`,
    }),
    utility('fingerprintUtility', 'fingerprints', inputs.fingerprint, offered.fingerprint, {
      summary: 'Show a fingerprint',
      description: `On the screens of cards or of a whole subscription. ${WAITING}`,
    }),
    utility('resetPinToDefaultUtility', 'pin/default', inputs.pinToDefault, offered.pinToDefault, {
      summary: 'Set the PIN of smart cards to its default',
      description: WAITING,
    }),
    utility('resetPinToGivenUtility', 'pin/given', inputs.pinToGiven, offered.pinToGiven, {
      summary: 'Set the PIN of smart cards',
      description: WAITING,
    }),
  ];

  function utility<I extends z.ZodType<SendingInput>>(
    name: string,
    path: string,
    input: I,
    operation: (input: z.output<I>, caller: Caller) => Promise<Submitted>,
    texts: Pick<Call, 'summary' | 'description'>,
  ): Call {
    return call({
      name,
      method: 'POST',
      paths: [`/utilities/${path}`],
      access: 'writer',
      tag: 'utilities',
      ...texts,
      input,
      output: utilityOutput,
      takesIdempotencyKey: true,
      async handle(asked) {
        const submitted = await made(asked, name, operation);
        return success(viewOf(submitted, await outcomeOf(submitted, asked.input)));
      },
    });
  }

  /** Makes the requests, or finds those that the same call with the same Idempotency-Key made. */
  async function made<T extends Readonly<Record<string, unknown>>>(
    asked: Asked<T>,
    name: string,
    operation: (input: T, caller: Caller) => Promise<Submitted>,
  ): Promise<Submitted> {
    const by = actorOf(asked);
    return await operation(asked.input, { by, idempotent: idempotentCall(hasher, name, asked) });
  }

  function outcomeOf({ numbers }: Submitted, sending: SendingInput): Promise<Outcome> {
    return awaitOutcome(parts, numbers, waits(sending) ? immediateTimeoutMs : 0);
  }
}

function viewOf({ processId, leftOut }: Submitted, outcome: Outcome) {
  return { process_id: processId, ...showOutcome(outcome), left_out: leftOut.map(leftOutView) };
}

function pairingView({
  requestNumber,
  smartcard,
  setTopBox,
  answered,
  pairing,
}: PairingTold): z.output<typeof pairingTold> {
  return {
    provisioning_request_number: String(requestNumber),
    smartcard_ca_id: smartcard,
    stb_ca_id: setTopBox,
    answered,
    pairing:
      pairing === null ? null : { smartcard_ca_ids: [...pairing.smartcards], stb_ca_ids: [...pairing.setTopBoxes] },
  };
}

function cardView(card: CardInformation): z.output<typeof cardInformation> {
  return {
    smartcard_ca_id: card.smartcard,
    provisioning_request_number: String(card.requestNumber),
    subscription_numbers: [...card.subscriptions],
    changing: card.changing,
    services:
      card.services?.map(({ serviceCaId, finding, through }) => ({
        service_ca_id: serviceCaId,
        finding,
        through: through.map(({ subscriptionNumber, serviceId, productCode, state }) => ({
          subscription_number: subscriptionNumber,
          service_id: serviceId,
          product_code: productCode,
          state,
        })),
      })) ?? null,
  };
}
