import type { ConaxExchange } from '../conax/client.types.ts';
import { conaxCodes } from '../conax/codes.ts';
import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logging.ts';
import type { ClaimedRequest } from '../requests/claim.ts';
import { classNames } from '../requests/request-class.ts';
import type { CarriedOut } from './carry-out.ts';
import { DISPATCH_ERROR_CODES } from './error-codes.ts';
import type { DispatchMetrics, DispatchPart } from './metrics.ts';

const KNOWN_CODES: ReadonlySet<string> = new Set([...conaxCodes, ...DISPATCH_ERROR_CODES.map(({ code }) => code)]);

/** Returns a code as a label. Codes that a CAS invents must not create new time series. */
function label(code: string | null): string {
  if (code === null) return '';
  if (/^HTTP_4\d\d$/.test(code)) return 'HTTP_4xx';
  return KNOWN_CODES.has(code) ? code : 'other';
}

/** Returns the fields that connect a log line to the request and its CRM action. */
function correlation(request: ClaimedRequest): Record<string, unknown> {
  return {
    requestNumber: request.number,
    requestId: request.id,
    command: request.command.type,
    ...(request.actionId === null ? {} : { actionId: request.actionId }),
    ...(request.subscriptionNumber === null ? {} : { subscription: request.subscriptionNumber }),
  };
}

/** Counts and logs one SOAP call. */
export function reportCall(
  metrics: DispatchMetrics,
  logger: Logger,
  request: ClaimedRequest,
  exchange: ConaxExchange,
): void {
  const { answer, command, durationMs } = exchange;
  metrics.calls.inc({ command, answer: answer.kind });
  metrics.callSeconds.observe({ command }, durationMs / 1000);
  const code = 'code' in answer ? { code: answer.code, problem: answer.description } : {};
  const level = answer.kind === 'accepted' ? 'debug' : 'info';
  logger[level]({ ...correlation(request), asked: command, answer: answer.kind, durationMs, ...code }, 'SOAP call');
}

/** Counts and logs the end of a claimed request. `held`: its claim still held, so the end was written. */
export function reportEnding(
  metrics: DispatchMetrics,
  logger: Logger,
  request: ClaimedRequest,
  { settlement, review, why }: Exclude<CarriedOut, 'lost'>,
  held: boolean,
): void {
  const who = correlation(request);
  if (!held) {
    logger.warn(who, 'dispatch: an answer was not written, the request is no longer held');
    return;
  }
  if (settlement.kind === 'finish') {
    const { state, errorCode, errorDescription } = settlement.request;
    metrics.finished.inc({ command: request.command.type, outcome: state, code: label(errorCode) });
    const tookMs = performance.now() - request.dueSince;
    metrics.finishSeconds.observe({ class: classNames[request.class] ?? 'bulk' }, tookMs / 1000);
    // The database lost something, because this service never removes the PIN of a pending request.
    const level = errorCode === 'PIN_UNREADABLE' ? 'error' : state === 'COMPLETED' ? 'debug' : 'info';
    logger[level]({ ...who, outcome: state, errorCode, errorDescription }, 'request is final');
  } else if (settlement.kind === 'put-off' && why !== null) {
    metrics.putOff.inc({ why });
    if (why === 'pin-unopened') {
      const remedy = 'give every instance the same keys, and keep a former key in a second line of the file';
      logger.error(
        { ...who, remedy },
        'no key of PIN_KEY_FILE opens the PIN of this request: it waits for another instance',
      );
      return;
    }
    logger.info({ ...who, why, delayMs: Math.round(settlement.request.delayMs) }, 'request was put off');
  }
  if (review !== null) {
    metrics.reviews.inc();
    logger.error({ ...who, code: review }, 'the CAS refused with a code that is not in the known list: look at it');
  }
}

const LOG_EVERY_MS = 10_000;

/** Counts every failure of a part, and logs one in ten seconds, because an outage fails many times a second. */
export function failureReports(
  metrics: DispatchMetrics,
  logger: Logger,
): (part: DispatchPart) => (error: unknown) => void {
  const loggedAt = new Map<string, number>();
  return (part) => (error) => {
    metrics.errors.inc({ part });
    if (performance.now() - (loggedAt.get(part) ?? -Infinity) < LOG_EVERY_MS) return;
    loggedAt.set(part, performance.now());
    logger.warn({ part, problem: messageOf(error) }, 'dispatch: a part failed; trying again');
  };
}
