import { createConaxClient } from '../conax/client.ts';
import { casDefinitionOf, conaxOptionsOf } from '../connections.ts';
import type { ConaxAnswer, ConaxExchange } from '../conax/client.types.ts';
import { type FoundAt, findPaths } from '../conax-tools/answer-places.ts';
import { indented } from '../conax-tools/show-request.ts';
import { type Command as CasCommand, type Device, questions } from '../planning/command.ts';
import { readSettings } from '../settings.ts';
import { ExitCode, UsageError } from './exit-codes.ts';
import { textOf } from './options.ts';
import { print, printJson, report } from './output.ts';

export interface TryOptions {
  readonly smartcard?: string;
  readonly setTopBox?: string;
  readonly json?: boolean;
}

/**
 * Sends one question to the CAS and prints request, answer and verdict, without secrets. The exit code is 1 unless the CAS
 * accepted it.
 */
export async function tryCommand(name: string, options: TryOptions): Promise<void> {
  const command = questionOf(name, options);
  const settings = readSettings(['conax', 'mapping']);
  const definition = await casDefinitionOf(settings);
  const client = await createConaxClient({
    ...conaxOptionsOf(settings),
    definition,
    maxConnections: 1,
    onWarning: report,
  });
  try {
    const exchange = await client.call({ command, requestNumber: 1 });
    const { answer: shape, soapAction = '' } = definition.commands[command.type] ?? {};
    const found = shape === undefined ? null : findPaths(shape, exchange.responseBody);
    await (options.json
      ? printJson(tryJson(exchange, soapAction, found))
      : print(tryText(exchange, soapAction, found)));
    if (exchange.answer.kind !== 'accepted') process.exitCode = ExitCode.failed;
  } finally {
    await client.close();
  }
}

function questionOf(
  name: string,
  { smartcard, setTopBox }: TryOptions,
): CasCommand & { type: (typeof questions)[number] } {
  const type = questions.find((question) => question === name);
  if (type === undefined) {
    throw new UsageError(
      `${JSON.stringify(name)} is no command that changes nothing: give one of ${questions.join(', ')}`,
    );
  }
  const device = (option: string, text: string | undefined, other: string | undefined): Device => {
    if (text === undefined || other !== undefined)
      throw new UsageError(`${type} asks about one device: give ${option}`);
    return { caId: textOf(option, text, 100), distributor: null };
  };
  return type === 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE'
    ? { type, setTopBox: device('--set-top-box', setTopBox, smartcard) }
    : { type, smartcard: device('--smartcard', smartcard, setTopBox) };
}

type Found = readonly FoundAt[] | null;

function tryJson(exchange: ConaxExchange, soapAction: string, found: Found) {
  return {
    command: exchange.command,
    url: exchange.url,
    soap_action: soapAction,
    request: exchange.requestBody,
    http_status: exchange.httpStatus,
    duration_ms: exchange.durationMs,
    answer: exchange.responseBody,
    verdict: exchange.answer,
    paths: found,
  };
}

function tryText(exchange: ConaxExchange, soapAction: string, found: Found): string {
  const { answer, httpStatus, durationMs, requestBody, responseBody } = exchange;
  if (requestBody === null) return verdictText(answer);
  const status = httpStatus === null ? 'no HTTP status' : `HTTP ${httpStatus}`;
  return [
    `POST ${exchange.url}\nSOAPAction: ${JSON.stringify(soapAction)}\n${indented(requestBody)}`,
    `${status} after ${durationMs} ms\n${responseBody ?? 'no answer'}`,
    pathsText(found),
    verdictText(answer),
  ].join('\n\n');
}

function pathsText(found: Found): string {
  if (found === null) return 'paths: the answer has no SOAP body with an element, so none finds anything';
  const lines = found.map(({ field, path, texts, elsewhere }) => {
    const name = `  ${field.padEnd(18)}`;
    if (texts.length > 0) return name + texts.map((text) => JSON.stringify(text)).join(' ');
    const near = elsewhere.map((place) => `\n  ${''.padEnd(18)}the answer has  ${place}`).join('');
    return `${name}finds nothing at ${path}${near}`;
  });
  return ['paths', ...lines].join('\n');
}

function verdictText(answer: ConaxAnswer): string {
  if (answer.kind !== 'accepted') {
    const review = 'review' in answer && answer.review ? ' (no known code: for review)' : '';
    return `verdict: ${answer.kind} ${answer.code}${review}\n${answer.description}`;
  }
  const { referenceNumber, activeServices, pairing } = answer;
  const list = (name: string, all: readonly string[] | undefined | null): string[] =>
    all ? [`  ${name.padEnd(18)}${all.join(' ') || 'none'}`] : [];
  return [
    'verdict: accepted',
    `  ${'reference number'.padEnd(18)}${referenceNumber ?? 'none'}`,
    ...list('active services', activeServices),
    ...list('smart cards', pairing?.smartcards),
    ...list('set-top boxes', pairing?.setTopBoxes),
  ].join('\n');
}
