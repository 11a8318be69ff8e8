import { z } from 'zod';
import { refuse, text } from '../../http/input-kinds.ts';
import type { InputPatterns } from '../../http/parts.ts';
import { OperationError } from '../../http/operation-error.ts';
import { instant, limit, moment, wholeNumber } from '../../operations/fields.ts';
import { type Feature, operation, type OperationContext } from '../../operations/operation.ts';
import { outcomeFailure, outcomeFields, outcomeText, showOutcome } from '../../operations/outcome.ts';
import { requestTable, type ShownRequest, showRequest, shownRequest } from '../../operations/shown-request.ts';
import { idRange } from '../../platform/id-range.ts';
import { recordOutcomes } from '../../outcomes/record.ts';
import { commandTypes } from '../../planning/command.ts';
import { findRequest, lifeCycleStates } from '../../requests/find.ts';
import { hastenRequests } from '../../requests/hasten.ts';
import { listRequests, REQUEST_TIMES } from '../../requests/list.ts';
import { withdrawRequest } from '../../requests/withdraw.ts';
import { groupRefusals, refusalGroup, refusalsText } from './refusals.ts';
import { isPastNumber, readStory, requestStory, type RequestStory } from './story.ts';
import { storyText } from './story-text.ts';

const NUMBER_MAX = 999_999_999_999_999;
/** Two SOAP bodies of one request may have 256 KiB. */
const BODIES_MAX = 200;

/** Reading them takes some milliseconds for each thousand. */
const REFUSALS_MAX = 5_000;
const DAY_MS = 86_400_000;

const processOutput = z
  .strictObject(outcomeFields)
  .meta({ id: 'ProcessOutcome', description: 'Requests that are sent before others.' });

const flag = (what: string) => z.boolean('give true or false').default(false).describe(what);

const listInput = z
  .strictObject({
    type: z
      .enum(commandTypes, `give one of ${commandTypes.join(', ')}`)
      .optional()
      .describe('Requests of this type.'),
    state: z
      .enum(lifeCycleStates, `give one of ${lifeCycleStates.join(', ')}`)
      .optional()
      .describe('Requests in this life cycle state.'),
    reference: text(1_000)
      .min(1, 'give the reference number')
      .optional()
      .describe('With this reference number of the CAS.'),
    card: text(100).min(1, 'give a smart card CA id').optional().describe('That touch this smart card.'),
    subscription: text(500).min(1, 'give a number').optional().describe('Of the subscription with this number.'),
    code: text(200).min(1, 'give a code').optional().describe('REJECTED with this error code.'),
    since: moment('Submitted from then on').optional(),
    until: moment('Submitted before').optional(),
    newest: flag('The newest first.'),
    bodies: flag(`With the SOAP bodies; then at most ${BODIES_MAX} requests.`),
    limit: limit(),
    after: wholeNumber(0, NUMBER_MAX, 'Starts after this number, the last one of the page before').optional(),
  })
  .superRefine(({ newest: _newest, bodies, limit: most, after: _after, ...filter }, context) => {
    if (Object.values(filter).every((one) => one === undefined)) {
      const all = '{state}, {type}, {reference}, {card}, {subscription}, {code}, {since} or {until}';
      refuse(context, 'PARAMETER_MISSING', `say which requests: give ${all}`);
    }
    if (!bodies || most <= BODIES_MAX) return;
    refuse(context, 'PARAMETERS_CONFLICT', `{limit} is ${most}: give at most ${BODIES_MAX} with {bodies}`);
  });

/** `requests`: what became of provisioning requests. */
export const requests: Feature = {
  name: 'requests',
  summary: 'Shows provisioning requests, and sends or withdraws pending ones.',
  operations: [
    operation({
      name: 'requests.show',
      summary: "Show one request's whole story",
      description:
        'The event and its disposition, the request, withheld commands, attempts with the SOAP bodies, outcomes.',
      role: 'viewer',
      route: 'GET /requests/{number}',
      input: z.strictObject({
        number: text(40).describe('Its number, or its id of 32 hexadecimal characters.'),
      }),
      output: requestStory,
      example: { number: '4711' },
      cli: { arguments: ['number'], text: storyText },
      handle: ({ db }, { number }) => storyOf(db, number),
    }),
    operation({
      name: 'requests.list',
      summary: 'List requests by state, type, card, subscription, error code, reference number or time',
      description:
        'Those that fit everything that is given, in the order of their numbers, which is the order of submission.',
      role: 'viewer',
      route: 'GET /requests',
      input: listInput,
      output: z
        .strictObject({ requests: z.array(shownRequest) })
        .meta({ id: 'OperationRequests', description: 'A page of provisioning requests.' }),
      example: { state: 'REJECTED', newest: true },
      cli: { empty: 'There are no such requests.', text: (output) => requestTable(output.requests) },
      async handle({ db }, { newest, after = null, bodies, limit: most, state, reference, ...rest }) {
        const first = newest ? 'newest' : 'oldest';
        const filter = { ...rest, lifeCycleState: state, referenceNumber: reference };
        return { requests: (await listRequests(db, { filter, limit: most, after, first, bodies })).map(showRequest) };
      },
    }),
    operation({
      name: 'requests.refusals',
      summary: 'Group refused requests by their error code',
      description:
        'With what each code means and what to do. The requests that were submitted in the period, by default the last 24 hours. `resync --refused-with CODE --refused-since TIME` sends their subscriptions again.',
      role: 'viewer',
      route: 'GET /requests/refusals',
      input: z.strictObject({ since: moment('Submitted from then on; by default 24 hours ago').optional() }),
      output: z
        .strictObject({
          since: instant(),
          complete: z
            .boolean()
            .describe(`False: only the newest ${REFUSALS_MAX.toLocaleString('en')} refusals were looked at.`),
          refusals: z.array(refusalGroup).describe('The most frequent first.'),
        })
        .meta({ id: 'Refusals', description: 'Refused requests by their error code.' }),
      example: { since: '2026-11-28T15:05:20Z' },
      cli: { text: refusalsText },
      async handle({ db }, { since = new Date(Date.now() - DAY_MS) }) {
        const { first: from } = await idRange(db, REQUEST_TIMES, { from: since, to: null });
        const { complete, groups } = await groupRefusals(db, { since, from, lookedMax: REFUSALS_MAX });
        return { since: since.toISOString(), complete, refusals: [...groups] };
      },
    }),
    operation({
      name: 'requests.process',
      summary: 'Send pending requests now',
      description:
        'A request, or those of a card that are due, become EXPRESS with everything that goes before them on their cards. Back-offs end, and no request overtakes another one of its card. A scheduled request is due now only if its number is given.',
      role: 'operator',
      route: 'POST /requests/process',
      input: processInput,
      output: processOutput,
      example: { number: 4711 },
      cli: {
        arguments: ['number'],
        options: { wait: 'no-wait' },
        waits: true,
        text: (output, { card }) =>
          output.provisioning_requests.length > 0
            ? outcomeText(output)
            : `card ${card} has no pending request that is due`,
        failure: (output, { wait }) => outcomeFailure(output, wait),
      },
      handle: process,
    }),
    operation({
      name: 'requests.withdraw',
      summary: 'Withdraw a pending request',
      description:
        'It is not sent and becomes REJECTED with the code WITHDRAWN. Its cards go on with their next requests.',
      role: 'operator',
      route: 'POST /requests/{number}/withdraw',
      input: z.strictObject({ number: wholeNumber(1, NUMBER_MAX, 'The number of the request') }),
      output: shownRequest,
      example: { number: 4711 },
      cli: { arguments: ['number'], text: ({ number }) => `request ${number} is withdrawn` },
      handle: withdraw,
    }),
  ],
};

/** @throws OperationError if there is no such request. */
async function storyOf(db: OperationContext['db'], number: string): Promise<RequestStory> {
  const isNumber = /^\d{1,15}$/.test(number);
  const story = await readStory(db, isNumber ? { number: Number(number) } : { id: number });
  if (story !== null) return story;
  const problem =
    isNumber && (await isPastNumber(db, Number(number)))
      ? `provisioning request ${number} is not kept any more (docs/retention.md), or its number was never used`
      : `there is no provisioning request ${number}: give its number or its id`;
  throw new OperationError('PROVISIONING_REQUEST_NOT_FOUND', null, problem);
}

function processInput({ smartcard }: InputPatterns) {
  const remedy = `give a smart card CA id, which fits ${smartcard.source}`;
  return z
    .strictObject({
      number: wholeNumber(1, NUMBER_MAX, 'The number of a request, which may be scheduled for later').optional(),
      card: text(100, remedy).regex(smartcard, remedy).optional().describe('The due requests of this smart card.'),
      wait: z.boolean('give true or false').default(true).describe('Answer with the outcome.'),
    })
    .superRefine(({ number, card }, context) => {
      if ((number === undefined) !== (card === undefined)) return;
      refuse(context, 'PARAMETERS_CONFLICT', 'give exactly one of {number} and {card}');
    });
}

/** @throws OperationError if there is no such request, or if it is final. */
async function process(
  context: OperationContext,
  { number, card = '', wait }: z.output<ReturnType<typeof processInput>>,
): Promise<z.output<typeof processOutput>> {
  const which = number === undefined ? { card } : { number };
  const result = await context.db.transaction((tx) => hastenRequests(tx, which, context.by));
  if (result.hastened) return showOutcome(await context.awaitOutcome(result.numbers, wait));
  if (result.reason === 'NOT_FOUND') throw notFound(number);
  const problem = `request ${number} is ${result.state}, which is final: make a new one`;
  throw new OperationError('REQUEST_IS_FINAL', null, problem);
}

function notFound(number: number | undefined): OperationError {
  const problem = `there is no provisioning request ${number}: check the number`;
  return new OperationError('PROVISIONING_REQUEST_NOT_FOUND', null, problem);
}

const REFUSALS = {
  NOT_FOUND: 'PROVISIONING_REQUEST_NOT_FOUND',
  ALREADY_FINAL: 'REQUEST_IS_FINAL',
  BEING_SENT: 'STATE_CONFLICT',
} as const;

async function withdraw({ db, by }: OperationContext, { number }: { readonly number: number }): Promise<ShownRequest> {
  return await db.transaction(async (tx) => {
    const result = await withdrawRequest(tx, number, by, recordOutcomes);
    if (!result.withdrawn) throw new OperationError(REFUSALS[result.reason], null, result.detail);
    const request = await findRequest(tx, { number });
    if (request === null) throw new Error(`Request ${number} was withdrawn and is gone`);
    return showRequest(request);
  });
}
