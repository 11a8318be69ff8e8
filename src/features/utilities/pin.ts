import { sealPin } from '../../http/seal-pin.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import { utilityInputs } from './inputs.ts';
import { sendToCards } from './targets.ts';
import { utilityCli, utilityOutput, WAITING } from './utility.ts';

/** `pin`: the PINs of smart cards. `pin change-key` is a command alone: it is about the settings of every instance. */
export const pin: Feature = {
  name: 'pin',
  summary: 'Sets the PINs of smart cards (docs/utilities.md).',
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
  ],
};
