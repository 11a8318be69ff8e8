import { z } from 'zod';
import { type Feature, operation } from '../../operations/operation.ts';
import type { ProvisioningRequest } from '../../requests/find.ts';
import { utilityInputs } from './inputs.ts';
import { planAddToPairing, planCreatePairing, planPairingStatus } from './pairing.ts';
import { callUtility, utilityCli, utilityFields, utilityOutput, utilityText, WAITING } from './utility.ts';

const answer = z
  .strictObject({
    provisioning_request_number: z.int(),
    smartcard_ca_id: z.string().nullable(),
    stb_ca_id: z.string().nullable(),
    answered: z.boolean().describe('False: the CAS has not answered, and the request has the reason.'),
    pairing: z
      .strictObject({ smartcard_ca_ids: z.array(z.string()), stb_ca_ids: z.array(z.string()) })
      .nullable()
      .describe('The devices that it is paired with, itself among them; null if there are none.'),
  })
  .meta({ id: 'PairingAnswer', description: "The CAS's answer about one device's pairing." });

const statusOutput = z
  .strictObject({ ...utilityFields, pairings: z.array(answer) })
  .meta({ id: 'PairingStatusOutcome', description: 'The answers about pairings.' });

/** `pair`: smart cards and set-top boxes. */
export const pair: Feature = {
  name: 'pair',
  summary: 'Pairs smart cards with set-top boxes, and asks what is paired (docs/utilities.md).',
  operations: [
    operation({
      name: 'pair.create',
      summary: 'Pair smart cards with set-top boxes',
      description: `Pairs the named devices together, or each distributor's devices of a subscription. ${WAITING}`,
      role: 'operator',
      route: 'POST /utilities/pairing/create',
      input: (patterns) => utilityInputs(patterns).createPairing,
      output: utilityOutput,
      example: { smartcard_ca_ids: ['20000000329'], stb_ca_ids: ['STB-20000000329'] },
      takesIdempotencyKey: true,
      cli: utilityCli,
      async handle(context, input) {
        const plan = callUtility(context, 'PAIRING_UTILITY', input, (tx) =>
          planCreatePairing(tx, input, context.patterns),
        );
        return (await plan).shown;
      },
    }),
    operation({
      name: 'pair.add',
      summary: 'Add devices to a pairing',
      description: `Adds the named devices to the pairing of a card, or to each known pairing of a subscription what it lacks. ${WAITING}`,
      role: 'operator',
      route: 'POST /utilities/pairing/add',
      input: (patterns) => utilityInputs(patterns).addToPairing,
      output: utilityOutput,
      example: { existing_smartcard_ca_id: '20000000329', stb_ca_ids: ['STB-20000000330'] },
      takesIdempotencyKey: true,
      cli: { ...utilityCli, options: { ...utilityCli.options, existing_smartcard_ca_id: 'to' } },
      async handle(context, input) {
        const plan = callUtility(context, 'PAIRING_UTILITY', input, (tx) =>
          planAddToPairing(tx, input, context.patterns),
        );
        return (await plan).shown;
      },
    }),
    operation({
      name: 'pair.status',
      summary: 'Ask which devices are paired together',
      description: `Asks the CAS once for each card and set-top box. ${WAITING}`,
      role: 'operator',
      route: 'POST /utilities/pairing/status',
      input: (patterns) => utilityInputs(patterns).pairingStatus,
      output: statusOutput,
      example: { smartcard_ca_ids: ['20000000329'] },
      takesIdempotencyKey: true,
      cli: { ...utilityCli, text: (output) => `${utilityText(output)}${output.pairings.map(answerText).join('')}` },
      async handle(context, input) {
        const { shown, outcome } = await callUtility(context, 'PAIRING_UTILITY', input, (tx) =>
          planPairingStatus(tx, input, context.patterns),
        );
        return { ...shown, pairings: outcome.requests.flatMap(answersOf) };
      },
    }),
  ],
};

function answersOf(request: ProvisioningRequest): z.output<typeof answer>[] {
  const { number, command, lifeCycleState, answer: given } = request;
  const pairing = given?.pairing ?? null;
  const shown = {
    provisioning_request_number: number,
    answered: lifeCycleState === 'COMPLETED' && given?.pairing !== undefined,
    pairing: pairing && { smartcard_ca_ids: [...pairing.smartcards], stb_ca_ids: [...pairing.setTopBoxes] },
  };
  if (command.type === 'GET_PAIRING_STATUS_FOR_CARD') {
    return [{ smartcard_ca_id: command.smartcard.caId, stb_ca_id: null, ...shown }];
  }
  if (command.type === 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE') {
    return [{ smartcard_ca_id: null, stb_ca_id: command.setTopBox.caId, ...shown }];
  }
  return [];
}

function answerText({ smartcard_ca_id: card, stb_ca_id: box, answered, pairing }: z.output<typeof answer>): string {
  if (!answered) return '';
  const device = card === null ? `set-top box ${box}` : `smart card ${card}`;
  if (pairing === null) return `${device}  in no pairing\n`;
  const { smartcard_ca_ids: cards, stb_ca_ids: boxes } = pairing;
  return `${device}  paired: cards ${cards.join(' ') || 'none'}; STBs ${boxes.join(' ') || 'none'}\n`;
}
