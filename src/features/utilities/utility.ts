import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { noLongerKept } from '../../http/idempotency.ts';
import type { HeldCard } from '../../identifiers/holders.ts';
import type { CommandLine, OperationContext } from '../../operations/operation.ts';
import { type Outcome, outcomeFailure, outcomeFields, outcomeText, showOutcome } from '../../operations/outcome.ts';
import type { Command, CommandType } from '../../planning/command.ts';
import type { Transaction } from '../../platform/database.ts';
import type { NewRequest, ProcessName } from '../../requests/new-request.ts';
import { submitRequests } from '../../requests/submit.ts';
import { type SendingInput, waits } from './inputs.ts';

/** Something that was asked for and is not sent, with the reason, one of R11's. */
const leftOutShape = z
  .strictObject({
    smartcard_ca_id: z.string().nullable(),
    stb_ca_id: z.string().nullable(),
    reason: z.enum(['INVALID_CA_ID', 'NOTHING_TO_PAIR', 'ALREADY_PAIRED']).describe('docs/reasons.md'),
    detail: z.string(),
  })
  .meta({ id: 'LeftOut', description: 'Something that was asked for and is not sent, with the reason.' });
export type LeftOut = z.output<typeof leftOutShape>;

/** What a call of a utility made, and what became of it. */
export const utilityFields = {
  process_id: z.string().describe('`process_id` of all requests of the call.'),
  ...outcomeFields,
  left_out: z.array(leftOutShape).describe('Empty if the call was made earlier: it is not kept.'),
};
export const utilityOutput = z
  .strictObject(utilityFields)
  .meta({ id: 'UtilityOutcome', description: 'The requests of one call of a utility.' });
export type UtilityOutput = z.output<typeof utilityOutput>;

/** What every utility is on the command line. */
export const utilityCli = {
  options: {
    smartcard_ca_ids: 'card',
    stb_ca_ids: 'stb',
    subscription_identifier: 'subscription',
    'subscription_identifier.number': 'subscription',
    scheduled_date: 'schedule',
    wait: 'no-wait',
  },
  waits: true,
  text: utilityText,
  failure: (output: UtilityOutput, input: SendingInput) => outcomeFailure(output, waits(input)),
} satisfies CommandLine;

/** Returns the requests of a utility and what was left out, for people. */
export function utilityText(output: UtilityOutput): string {
  const leftOut = output.left_out.map(
    ({ smartcard_ca_id: card, stb_ca_id: box, reason, detail }) =>
      `left out  ${[card, box].filter(Boolean).join(' ') || '-'}  ${reason}: ${detail}\n`,
  );
  return `${outcomeText(output)}${leftOut.join('')}`;
}

export const WAITING = 'Waits for the outcome unless `wait` is false.';

export interface PlannedRequest {
  readonly command: Command;
  readonly subscription: HeldCard['subscription'];
  /** Only for UPDATE_CA_PIN_TO_GIVEN_VALUE. */
  readonly sealedPin?: Buffer;
}

/** What a call of a utility comes to. */
export interface Planned {
  readonly requests: readonly PlannedRequest[];
  readonly leftOut: readonly LeftOut[];
}

/** What a call of a utility made, and what became of it. */
export interface Called {
  readonly outcome: Outcome;
  readonly shown: UtilityOutput;
}

/**
 * Makes the requests of one call of a utility in one transaction, so that all of them exist or none, and waits for them if
 * somebody waits. `plan` resolves what is meant and locks the subscriptions; then the requests take their places in their
 * cards' order. They are EXPRESS if somebody waits for them, else REGULAR.
 */
export async function callUtility(
  { once, awaitOutcome, by, traceparent }: OperationContext,
  process: ProcessName,
  sending: SendingInput,
  plan: (tx: Transaction) => Promise<Planned>,
): Promise<Called> {
  const awaited = waits(sending);
  const newId = randomUUID();
  let leftOut: readonly LeftOut[] = [];
  const make = async (tx: Transaction): Promise<number> => {
    const planned = await plan(tx);
    const stored = await submitRequests(
      tx,
      planned.requests.map(({ command, subscription, sealedPin = null }, index): NewRequest => ({
        command,
        sequenceNumber: index + 1,
        subscription: subscription === null ? null : { id: subscription.id, number: subscription.number },
        // EXPRESS is about other cards: the order of its own card stays.
        priority: awaited ? 'EXPRESS' : 'REGULAR',
        scheduledAt: sending.scheduled_date ?? null,
        outOfLane: QUESTIONS.has(command.type),
        process: { name: process, id: newId },
        createdBy: by,
        traceparent,
        sealedPin,
        awaited,
      })),
    );
    const [first] = stored;
    if (first === undefined) throw new Error(`A call of ${process} came to no request`);
    leftOut = planned.leftOut;
    return first.number;
  };
  const { processId, numbers } = await once(make, readMade);
  const outcome = await awaitOutcome(numbers, awaited);
  return { outcome, shown: { process_id: processId, ...showOutcome(outcome), left_out: [...leftOut] } };
}

/** They change nothing, so they are asked at once, also while another request of the card is stuck. */
const QUESTIONS: ReadonlySet<CommandType> = new Set([
  'GET_ACTIVE_SUBSCRIPTIONS',
  'GET_PAIRING_STATUS_FOR_CARD',
  'GET_PAIRING_STATUS_FOR_PAIRING_MODULE',
]);

/** When a screen starts to show something by default: now, or when the request is due. */
export function beginOf({ scheduled_date: scheduledAt }: SendingInput): Date {
  return new Date(Math.max(Date.now(), scheduledAt?.getTime() ?? 0));
}

/** Reads the call whose first request this is. */
async function readMade(tx: Transaction, first: number): Promise<{ processId: string; numbers: number[] }> {
  const made = await tx.query<{ number: number; process: string }>(FIND_MADE, [first]);
  const [request] = made;
  if (request === undefined) throw noLongerKept(first);
  return { processId: request.process, numbers: made.map(({ number }) => number) };
}

/** Walks request's primary key, then request_process. */
const FIND_MADE = /* sql */ `
select r.number, r.process_id as process
  from request r
 where (r.process_name, r.process_id) = (select process_name, process_id from request where number = $1)
 order by r.number`;
