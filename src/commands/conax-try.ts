import { openConaxClient } from '../conax-checks/open-client.ts';
import { findPaths } from '../conax-tools/answer-places.ts';
import { indented } from '../conax-tools/show-request.ts';
import { credentialsOf } from '../conax/client.ts';
import type { ConaxAnswer, ConaxExchange } from '../conax/client.types.ts';
import { soapHeaders } from '../conax/exchange.ts';
import { createMask } from '../platform/masking.ts';
import { casDefinitionOf, conaxOptionsOf } from '../connections.ts';
import { type Command as CasCommand, type Device, questions } from '../planning/command.ts';
import { didYouMean } from '../platform/near-name.ts';
import { readSettings, type Settings } from '../settings.ts';
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
 * accepted it and the answer can be read.
 */
export async function tryCommand(name: string, options: TryOptions): Promise<void> {
  const settings = readSettings(['conax', 'mapping', 'rules']);
  const command = questionOf(name, options, settings);
  const definition = await casDefinitionOf(settings);
  const connection = conaxOptionsOf(settings);
  const hide = createMask([...(credentialsOf(connection)?.secrets ?? []), ...definition.secrets], 'words');
  let rawAnswer: string | null = null;
  const client = await openConaxClient({
    ...connection,
    // Other commands that the CAS lacks do not matter here.
    definition: {
      ...definition,
      unsupported: new Map([...definition.unsupported].filter(([type]) => type === command.type)),
    },
    maxConnections: 1,
    onWarning: report,
    onAnswer: (text) => (rawAnswer = text),
  });
  try {
    const exchange = await client.call({ command, requestNumber: 1 });
    const { answer: shape, soapAction = '', soapVersion = '1.1' } = definition.commands[command.type] ?? {};
    const found = shape === undefined ? null : findPaths(shape, rawAnswer, hide);
    await (options.json
      ? printJson(tryJson(exchange, soapAction, found))
      : print(tryText(exchange, actionHeader({ soapAction, soapVersion }), found)));
    if (exchange.answer.kind !== 'accepted') process.exitCode = ExitCode.failed;
  } finally {
    await client.close();
  }
}

/** The header that has the action: another one in each version of SOAP. */
function actionHeader(command: Parameters<typeof soapHeaders>[0]): string {
  const { soapaction, 'content-type': contentType } = soapHeaders(command);
  return soapaction === undefined ? `Content-Type: ${contentType}` : `SOAPAction: ${soapaction}`;
}

function questionOf(
  name: string,
  { smartcard, setTopBox }: TryOptions,
  { SMARTCARD_CA_ID_PATTERN, STB_CA_ID_PATTERN }: Settings<'rules'>,
): CasCommand & { type: (typeof questions)[number] } {
  const type = questions.find((question) => question === name);
  if (type === undefined) {
    const meant = didYouMean(name, questions);
    throw new UsageError(
      `${JSON.stringify(name)} is no command that changes nothing: ${meant}give one of ${questions.join(', ')}`,
    );
  }
  const device = (option: string, text: string | undefined, other: string | undefined, pattern: PatternOf): Device => {
    if (text === undefined) throw new UsageError(`${option} is missing: give the device that ${type} asks about`);
    if (other !== undefined) {
      const surplus = option === '--smartcard' ? '--set-top-box' : '--smartcard';
      throw new UsageError(`${surplus} does not fit ${type}, which asks about ${option}: leave it out`);
    }
    const caId = textOf(option, text, 100);
    const [setting, form] = pattern;
    if (form.test(caId)) return { caId, distributor: null };
    const remedy = `the service would never send it: give one that fits ${setting} (${form.source}), or set ${setting}`;
    throw new UsageError(`${option} is ${JSON.stringify(caId)}: ${remedy}`);
  };
  if (type === 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE') {
    return { type, setTopBox: device('--set-top-box', setTopBox, smartcard, ['STB_CA_ID_PATTERN', STB_CA_ID_PATTERN]) };
  }
  const pattern = ['SMARTCARD_CA_ID_PATTERN', SMARTCARD_CA_ID_PATTERN] as const;
  return { type, smartcard: device('--smartcard', smartcard, setTopBox, pattern) };
}

type PatternOf = readonly [setting: string, form: RegExp];

type Found = ReturnType<typeof findPaths>;

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
    paths: found === 'Fault' ? null : found,
  };
}

function tryText(exchange: ConaxExchange, actionLine: string, found: Found): string {
  const { answer, httpStatus, durationMs, requestBody, responseBody } = exchange;
  if (requestBody === null) return verdictText(answer);
  const status = httpStatus === null ? 'no HTTP status' : `HTTP ${httpStatus}`;
  return [
    `POST ${exchange.url}\n${actionLine}\n${indented(requestBody)}`,
    `${status} after ${durationMs} ms\n${bodyText(responseBody)}`,
    pathsText(found, answer.kind === 'accepted'),
    verdictText(answer),
  ].join('\n\n');
}

/** A body with a line for each element, if it is XML. */
function bodyText(body: string | null): string {
  if (body === null || body.trim() === '') return body === null ? 'no answer' : 'an empty answer';
  return body.trimStart().startsWith('<') ? indented(body) : body;
}

function pathsText(found: Found, isAccepted: boolean): string {
  if (found === 'Fault') return 'paths: the answer is a SOAP Fault, which is read without paths';
  if (found === null) {
    return isAccepted
      ? 'paths: the answer is empty, which conax.json declares as a success'
      : 'paths: the answer has no SOAP body with an element, so none finds anything';
  }
  const lines = found.map(({ field, path, texts, elsewhere }) => {
    const name = `  ${field.padEnd(18)}`;
    if (texts.length > 0) return name + texts.map((text) => JSON.stringify(text)).join(' ');
    if (isAccepted && elsewhere.length === 0) return `${name}none in this answer`;
    const near = elsewhere.map((place) => `\n  ${''.padEnd(18)}the answer has  ${place}`).join('');
    return `${name}finds nothing at ${path}${near}`;
  });
  return ['paths', ...lines].join('\n');
}

/** What the service would do after such an answer. */
const meanings: Readonly<Record<ConaxAnswer['kind'], string>> = {
  accepted: 'the CAS answered the question',
  refused: 'the CAS refuses; the service would not ask again',
  'try-later': 'the CAS did nothing; the service would ask again later',
  unknown: 'no answer that can be read; the service would ask again',
  'not-sent': 'the CAS did not get the question; the service would ask again',
  'not-authorised': 'the CAS refuses the login; the service would pause sending',
  invalid: 'the question cannot be sent',
};

function whyReview(code: string): string {
  if (code === 'SOAP_FAULT') return 'the Fault names no code that conax.json has in a list';
  return /^HTTP_\d+$/.test(code) ? 'the answer is no SOAP that can be read' : 'conax.json has its code in no list';
}

function verdictText(answer: ConaxAnswer): string {
  const meaning = meanings[answer.kind];
  if (answer.kind !== 'accepted') {
    const review =
      'review' in answer && answer.review ? `, and flag the request for review: ${whyReview(answer.code)}` : '';
    return `verdict: ${answer.kind} ${answer.code}\n  ${meaning}${review}\n  ${answer.description || 'the CAS says no more'}`;
  }
  const { referenceNumber, activeServices, pairing } = answer;
  const list = (name: string, all: readonly string[] | undefined | null): string[] =>
    all ? [`  ${name.padEnd(18)}${all.join(' ') || 'none'}`] : [];
  return [
    `verdict: accepted\n  ${meaning}`,
    `  ${'reference number'.padEnd(18)}${referenceNumber ?? 'none'}`,
    ...list('active services', activeServices),
    ...list('smart cards', pairing?.smartcards),
    ...list('set-top boxes', pairing?.setTopBoxes),
  ].join('\n');
}
