import { z } from 'zod';
import { awaitOutcome, outcomeFields, showOutcome } from '../operations/outcome.ts';
import { processRequests } from '../operations/process-requests.ts';
import { type Call, call } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { integer, text } from '../http/input-kinds.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import { ID_MAX } from './shapes.ts';

const waiting = z.strictObject(
  { wait: z.boolean('give true or false').optional().describe('Answer with the outcome; default true.') },
  'send a JSON object, or no body',
);

/** The processing run on demand: pending requests are sent now. */
export function requestCalls(parts: OperationsParts): Call[] {
  const { db, patterns, immediateTimeoutMs } = parts;
  const common = {
    method: 'POST' as const,
    access: 'writer' as const,
    tag: 'requests',
    input: waiting,
    output: successSchema(
      z.strictObject(outcomeFields).meta({ id: 'ProcessOutcome', description: 'Requests that were hastened.' }),
    ),
  };
  const outcome = async (numbers: readonly number[], wait: boolean | undefined) =>
    success(showOutcome(await awaitOutcome(parts, numbers, wait === false ? 0 : immediateTimeoutMs)));
  const remedy = `give a smart card CA id, which fits ${patterns.smartcard.source}`;
  return [
    call({
      ...common,
      name: 'processRequest',
      paths: ['/requests/:number/process'],
      summary: 'Send a pending request now',
      description:
        'It becomes EXPRESS with everything that goes before it on its cards; back-offs end, and a scheduled one is due now. Nothing overtakes on its card.',
      params: z.strictObject({ number: integer(1, ID_MAX) }),
      async handle(asked) {
        const numbers = await processRequests(db, asked.params, actorOf(asked));
        return await outcome(numbers, asked.input.wait);
      },
    }),
    call({
      ...common,
      name: 'processCard',
      paths: ['/smartcards/:smartcard_ca_id/process'],
      summary: "Send a smart card's due requests now",
      description:
        'Those that are pending and due become EXPRESS, with everything that goes before them, and back-offs end. Scheduled ones keep their dates. No such request: an empty list.',
      params: z.strictObject({ smartcard_ca_id: text(100, remedy).regex(patterns.smartcard, remedy) }),
      async handle(asked) {
        const numbers = await processRequests(db, { card: asked.params.smartcard_ca_id }, actorOf(asked));
        return await outcome(numbers, asked.input.wait);
      },
    }),
  ];
}
