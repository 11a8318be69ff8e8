import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CasDefinition } from '../conax/cas-definition.types.ts';
import { doesWork, type StandingRule } from './faults.ts';
import type { ViewedParts } from './http-view.ts';
import type { JournalEntry } from './journal.ts';
import { httpStatus, messageFor, type Misbehaviour, misbehaviourOf, sendXml } from './misbehaviour.ts';
import { type Verdict, work } from './rules.ts';
import { writeAnswer, type WrittenAnswer, writeFault } from './soap-answers.ts';
import { createRequestReader, journalParameters, type ReceivedCall } from './soap-requests.ts';

/** The part of a pino logger that is used here. */
export interface SimulatorLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface CasServerOptions {
  readonly definition: CasDefinition;
  readonly parts: ViewedParts;
  readonly basicAuth: { readonly username: string; readonly password: string } | undefined;
  readonly logger: SimulatorLogger | undefined;
}

export interface CasServer {
  readonly paths: ReadonlySet<string>;
  /** A SOAP call arrives; the returned function takes the call's body and answers it. */
  begin(path: string, request: IncomingMessage, response: ServerResponse): (body: Buffer) => void;
  close(): void;
}

/** A call's answer, ready to go out. */
interface Answer extends Misbehaviour {
  readonly effect: boolean;
  readonly latencyMs: number;
}

/** The SOAP side of the simulator: reads a call, notes it, does the work, answers or misbehaves. */
export function createCasServer({ definition, parts, basicAuth, logger }: CasServerOptions): CasServer {
  const requests = createRequestReader(definition);
  const { journal, faults, settings, statistics } = parts;
  const credentials =
    basicAuth && Buffer.from(`Basic ${Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString('base64')}`);

  function isAuthorised(request: IncomingMessage): boolean {
    if (credentials === undefined) return true;
    const given = Buffer.from(request.headers.authorization ?? '');
    return given.length === credentials.length && timingSafeEqual(given, credentials);
  }

  function decide(call: ReceivedCall, isTooMany: boolean, request: IncomingMessage): Answer {
    const { latencyMs } = settings;
    if (isTooMany) return { ...httpStatus(503), effect: false, latencyMs: 0 };
    if (!isAuthorised(request)) return { ...httpStatus(401), effect: false, latencyMs };
    const rule = faults.take(
      call.kind === 'unreadable' ? null : call.command.type,
      call.kind === 'unreadable' ? {} : call.fields,
    );
    if (call.kind === 'unreadable') {
      logger?.warn({ problem: call.problem }, 'A request does not fit its template and WSDL');
      const xml = writeFault(call.version, 'Client', call.problem);
      const answer = (response: ServerResponse): void => sendXml(response, 500, xml, call.version);
      return { statusCode: 'SOAP_FAULT', answer, effect: false, latencyMs };
    }
    return rule === null ? asWorked(call, latencyMs) : asSpoilt(call, rule, latencyMs);
  }

  function asWorked(call: Exclude<ReceivedCall, { kind: 'unreadable' }>, latencyMs: number): Answer {
    const { soapVersion } = call.command;
    const verdict = verdictOf(call);
    const { xml, httpStatus: status, statusCode } = intendedAnswer(call, verdict, true);
    const answer = (response: ServerResponse): void => sendXml(response, status, xml, soapVersion);
    return { statusCode, answer, effect: verdict.effect, latencyMs };
  }

  function asSpoilt(
    call: Exclude<ReceivedCall, { kind: 'unreadable' }>,
    rule: StandingRule,
    latencyMs: number,
  ): Answer {
    const told = rule.fault.startsWith('status:') ? rule.fault.slice('status:'.length) : null;
    const worked = doesWork(rule) ? verdictOf(call) : { statusCode: 'OK', message: '', effect: false, lists: {} };
    const verdict =
      told === null
        ? { ...worked, message: messageFor(rule) ?? worked.message }
        : { ...worked, statusCode: told, message: 'a fault rule of the simulator' };
    const intended = intendedAnswer(call, verdict, told === null);
    const { statusCode, answer } = misbehaviourOf(told === null ? rule : { ...rule, fault: 'none' }, call.command);
    return {
      statusCode: statusCode === undefined ? intended.statusCode : statusCode,
      answer: (response) => answer(response, intended.xml),
      effect: verdict.effect,
      latencyMs: latencyMs + (rule.latencyMs ?? (rule.fault === 'latency' ? 1_000 : 0)),
    };
  }

  function intendedAnswer(
    { command }: Exclude<ReceivedCall, { kind: 'unreadable' }>,
    { statusCode, message, lists }: Verdict,
    isOwnCode: boolean,
  ): WrittenAnswer {
    return writeAnswer(command, { statusCode, isOwnCode, message, referenceNumber: randomUUID(), lists });
  }

  function verdictOf(call: Exclude<ReceivedCall, { kind: 'unreadable' }>): Verdict {
    return call.kind === 'malformed'
      ? { statusCode: 'INPUT_VALIDATION_ERROR', message: call.problem, effect: false, lists: {} }
      : work(parts, call.command.type, call.fields);
  }

  return {
    paths: new Set(Object.values(definition.commands).map((command) => command.path)),
    close: () => requests.close(),
    begin(path, request, response) {
      const inFlight = statistics.begin();
      const arrivedAt = performance.now();
      const isTooMany = settings.maxConcurrency !== null && inFlight > settings.maxConcurrency;
      if (isTooMany) statistics.rejected();
      response.on('close', () => statistics.end());
      return (body) => {
        const call = requests.read(path, request.headers, body);
        const entry =
          call.kind === 'unreadable'
            ? journal.add(null, {})
            : journal.add(call.command.type, journalParameters(call.command.type, call.fields));
        const answer = decide(call, isTooMany, request);
        entry.effect = answer.effect;
        if (answer.latencyMs === 0) send(entry, answer, response);
        else delay(response, arrivedAt + answer.latencyMs, () => send(entry, answer, response));
      };
    },
  };
}

function send(entry: JournalEntry, answer: Answer, response: ServerResponse): void {
  if (response.destroyed) return;
  entry.statusCode = answer.statusCode ?? null;
  response.on('close', () => {
    if (!response.writableFinished) entry.statusCode = null;
  });
  answer.answer(response, '');
}

/** Acts at a time of the monotonic clock, within a millisecond: reading the call and its work are part of the latency. */
function delay(response: ServerResponse, at: number, act: () => void): void {
  const timer = setTimeout(act, at - performance.now());
  response.on('close', () => clearTimeout(timer));
}
