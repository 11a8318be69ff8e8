import { z } from 'zod';
import { OperationError } from '../../http/operation-error.ts';
import { sealPin } from '../../http/seal-pin.ts';
import { noInput } from '../../operations/fields.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import { changePinKey } from '../../requests/pin-key.ts';
import { utilityInputs } from './inputs.ts';
import { sendToCards } from './targets.ts';
import { utilityCli, utilityOutput, WAITING } from './utility.ts';

const keyChange = z
  .strictObject({ changed: z.boolean().describe('False: the first key of PIN_KEY sealed before.') })
  .meta({ id: 'PinKeyChange', description: 'Which key seals PINs.' });

/** `pin`: the PINs of smart cards, and the key that seals them. */
export const pin: Feature = {
  name: 'pin',
  summary: 'Sets the PINs of smart cards, and changes the key that seals them (docs/utilities.md).',
  operations: [
    operation({
      name: 'pin.reset',
      summary: 'Set the PIN of smart cards to its default',
      description: `Of the named cards, or all of a subscription. ${WAITING}`,
      role: 'operator',
      route: 'POST /utilities/pin/default',
      input: (patterns) => utilityInputs(patterns).pinToDefault,
      output: utilityOutput,
      example: { smartcard_ca_ids: ['20000000329'] },
      takesIdempotencyKey: true,
      cli: utilityCli,
      async handle(context, input) {
        const called = sendToCards(context, 'RESET_PIN', input, (smartcard) => ({
          type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE',
          smartcard,
        }));
        return (await called).shown;
      },
    }),
    operation({
      name: 'pin.set',
      summary: 'Set the PIN of smart cards',
      description: `Of the named cards, or all of a subscription. ${WAITING}`,
      role: 'operator',
      route: 'POST /utilities/pin/given',
      input: (patterns) => utilityInputs(patterns).pinToGiven,
      output: utilityOutput,
      example: { smartcard_ca_ids: ['20000000329'], pin: '4711' },
      takesIdempotencyKey: true,
      cli: utilityCli,
      async handle(context, { pin: given, ...input }) {
        const called = sendToCards(
          context,
          'RESET_PIN',
          input,
          (smartcard) => ({ type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard }),
          (tx) => sealPin(tx, context.seal, given),
        );
        return (await called).shown;
      },
    }),
    operation({
      name: 'pin.change-key',
      summary: 'Make the first key of PIN_KEY the one that seals PINs',
      description: 'Every instance must have both keys before; docs/utilities.md has the steps.',
      role: 'admin',
      route: 'POST /utilities/pin/change_key',
      input: noInput,
      output: keyChange,
      example: {},
      cli: {
        text: ({ changed }) => `PINs are sealed with the first key of PIN_KEY ${changed ? 'from now on' : 'already'}`,
      },
      async handle({ db, seal }) {
        if (seal === null) {
          throw new OperationError(
            'PIN_KEY_MISSING',
            null,
            'PIN_KEY is not set: set it, or PIN_KEY_FILE, to the new key',
          );
        }
        const change = await changePinKey(db, seal);
        if (typeof change !== 'object') return { changed: change === 'changed' };
        const problem = `the former key sealed ${change.unopenable} waiting PINs, and PIN_KEY lacks that key: give it in a second line to every instance, or withdraw these requests first`;
        throw new OperationError('STATE_CONFLICT', null, problem);
      },
    }),
  ],
};
