import type { ConaxCall, ConaxClient, ConaxExchange } from '../conax/client.types.ts';
import type { ClaimedRequest } from '../requests/claim.ts';
import { type BackOff, backOffMs } from './back-off.ts';
import type { PUT_OFF_CAUSES } from './metrics.ts';
import { firstStep, nextStep, type Step } from './next-step.ts';
import type { Settlement } from './settle.ts';

/**
 * Whether a call may be made now. `lost`: the lease is lost. `halt`: no call until the request was given back or put
 * off.
 */
export type Permission = 'go' | 'lost' | 'halt';

/** What carrying out a request needs from the dispatcher. */
export interface CarryOutPorts {
  readonly conax: ConaxClient;
  readonly unsealPin: (sealed: Buffer) => string;
  readonly backOff: BackOff;
  /** Waits for permission for one more call. The first call of a request already has it. */
  readonly permission: (request: ClaimedRequest) => Promise<Permission>;
  /** Returns whether lease and share still outlast a call after a wait. */
  readonly inTime: (request: ClaimedRequest) => boolean;
  /** Commits the mark of a message; false if the lease is lost. Rejects if the database fails. */
  readonly mark: (request: ClaimedRequest) => Promise<boolean>;
  /** Called with every exchange before anything follows from it. */
  readonly onExchange: (request: ClaimedRequest, exchange: ConaxExchange) => Promise<void>;
}

/** `pin-unopened`: none of the keys of this instance opens the PIN. */
export type PutOffReason = (typeof PUT_OFF_CAUSES)[number];

export type CarriedOut =
  | {
      readonly settlement: Settlement;
      /** The refusal's code is not in the known list. */
      readonly review: string | null;
      readonly why: PutOffReason | null;
    }
  /** The lease is lost: another instance decides, and nothing may be written. */
  | 'lost';

/** Makes the SOAP calls of one claimed request, one after the other, and returns what to write about it. */
export async function carryOut(request: ClaimedRequest, ports: CarryOutPorts): Promise<CarriedOut> {
  const pin = pinOf(request, ports);
  if (pin === 'missing') return finished(request, PIN_MISSING, []);
  // Another instance may have the right key; the PIN is lost only if none has.
  if (pin === 'unopened') {
    return putOff(request, [], backOffMs(ports.backOff, request.retries), request.doubt, 'pin-unopened');
  }
  const exchanges: ConaxExchange[] = [];
  let step = firstStep(request);
  for (let calls = 0; step.step === 'call'; calls += 1) {
    const { course } = step;
    const halted = (): CarriedOut =>
      exchanges.length === 0 && !(step.step === 'call' && step.mark)
        ? { settlement: { kind: 'give-back', request }, review: null, why: null }
        : putOff(request, exchanges, 0, course.doubt, null);
    if (calls > 0) {
      const permission = await ports.permission(request);
      if (permission === 'lost') return 'lost';
      if (permission === 'halt') return halted();
    }
    if (step.mark) {
      const marked = await ports.mark(request).catch(() => null);
      if (marked === false) return 'lost';
      // The message did not leave. Putting it off clears the mark, which may be stored although the database did not
      // confirm it.
      if (marked === null || !ports.inTime(request)) return halted();
    }
    const call: ConaxCall = {
      command: step.command,
      requestNumber: request.number,
      traceparent: request.traceparent,
      ...pin,
    };
    const exchange = await ports.conax.call(call);
    exchanges.push(exchange);
    await ports.onExchange(request, exchange);
    step = nextStep(course, exchange.answer);
  }
  if (step.step === 'finish') return finished(request, step, exchanges);
  return putOff(request, exchanges, backOffMs(ports.backOff, request.retries), step.doubt, step.why);
}

function finished(
  request: ClaimedRequest,
  { step: _step, review, ...ending }: Extract<Step, { step: 'finish' }>,
  exchanges: readonly ConaxExchange[],
): CarriedOut {
  const { number, token, command, cards, subscriptionNumber, attempts, traceparent } = request;
  return {
    settlement: {
      kind: 'finish',
      traceparent,
      request: { number, token, command, cards, subscriptionNumber, attempts, ...ending, exchanges },
    },
    review: review ? (lastRefusal(exchanges) ?? ending.errorCode) : null,
    why: null,
  };
}

function lastRefusal(exchanges: readonly ConaxExchange[]): string | null {
  const refusals = exchanges.flatMap(({ answer }) => (answer.kind === 'refused' && answer.review ? [answer.code] : []));
  return refusals.at(-1) ?? null;
}

function putOff(
  { number, token, cards, traceparent }: ClaimedRequest,
  exchanges: readonly ConaxExchange[],
  delayMs: number,
  doubt: ClaimedRequest['doubt'],
  why: PutOffReason | null,
): CarriedOut {
  return {
    settlement: { kind: 'put-off', traceparent, request: { number, token, cards, delayMs, doubt, exchanges } },
    review: null,
    why,
  };
}

/** Returns the PIN that the call needs; nothing for most commands. */
function pinOf(
  { command, sealedPin }: ClaimedRequest,
  { unsealPin }: CarryOutPorts,
): { pin?: string } | 'missing' | 'unopened' {
  if (command.type !== 'UPDATE_CA_PIN_TO_GIVEN_VALUE') return {};
  if (sealedPin === null) return 'missing';
  try {
    return { pin: unsealPin(sealedPin) };
  } catch {
    return 'unopened';
  }
}

/** Final at once, because the PIN is lost, and the card's later requests would wait until a person acts. */
const PIN_MISSING: Extract<Step, { step: 'finish' }> = {
  step: 'finish',
  state: 'REJECTED',
  referenceNumber: null,
  errorCode: 'PIN_UNREADABLE',
  errorDescription: 'Its sealed PIN is missing in request_pin. It was not sent: make the request again with the PIN.',
  answer: null,
  pairingNews: null,
  review: false,
};
