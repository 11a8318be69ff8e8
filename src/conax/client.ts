import type { Command } from '../requests/command.ts';
import { type AskedDevice, classify } from './answer.ts';
import type { ConaxAnswer, ConaxCall, ConaxClient, ConaxExchange } from './client.types.ts';
import type { HttpOutcome } from './exchange.ts';
import { createEncoder } from './encoder.ts';
import { fieldValues, NotEncodable } from './fields.ts';
import { legibleText } from './charset.ts';
import { createMask, mask, type Mask, recordedText } from './masking.ts';
import { defaultMappingFile, loadMapping, type MappedCommand } from './mapping.ts';
import { createPinMask, type PinMask } from './pin-masking.ts';
import { soapNamespaces } from './soap-envelope.ts';
import { createTransport } from './transport.ts';

export interface ConaxClientOptions {
  /** http:// or https://, with the path that stands before the areas' paths, if any. */
  readonly baseUrl: string;
  /** The mapping file; without one, that of the project. */
  readonly mappingFile?: string | undefined;
  /** HTTP Basic. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** PEM texts: the client's certificate and key, and the authorities that the CAS's certificate is checked against. */
  readonly clientCert?: string | Buffer | undefined;
  readonly clientKey?: string | Buffer | undefined;
  readonly ca?: string | Buffer | undefined;
  /** Milliseconds for a whole call, the wait for a connection included. */
  readonly timeoutMs: number;
  /** Calls under way at once. */
  readonly maxConnections: number;
  /** Whether calls share connections (default: no); messages and fingerprints never do. See decision 0006. */
  readonly keepAlive?: boolean | undefined;
  /** Called every time when bytes came from the CAS that no request asked for. */
  readonly onSurplus?: (() => void) | undefined;
}

/** What is kept of a body; a longer one is cut. */
const bodyCharactersMax = 65_536;

const notRepeatable: ReadonlySet<Command['type']> = new Set([
  'SEND_MAIL_MESSAGE_TO_CLIENT',
  'SEND_BARK_MESSAGE_TO_CLIENT',
  'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
  'DISPLAY_FINGERPRINT',
]);

/**
 * Opens the CAS. Rejects with a MappingError, which names every mistake, where mapping file and WSDLs do not fit; no
 * connection is made before the first call.
 */
export async function createConaxClient(options: ConaxClientOptions): Promise<ConaxClient> {
  const mapping = await loadMapping(options.mappingFile ?? defaultMappingFile);
  const encode = await createEncoder(mapping);
  const base = new URL(options.baseUrl);
  const basePath = base.pathname.replace(/\/+$/, '');
  const credentials = credentialsOf(options);
  const transport = createTransport({
    origin: base.origin,
    authorization: credentials?.authorization,
    tls: {
      ...(options.clientCert === undefined ? {} : { cert: options.clientCert }),
      ...(options.clientKey === undefined ? {} : { key: options.clientKey }),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
    timeoutMs: options.timeoutMs,
    maxConnections: options.maxConnections,
    keepAlive: options.keepAlive ?? false,
    onSurplus: options.onSurplus ?? (() => undefined),
  });

  async function call(request: ConaxCall): Promise<ConaxExchange> {
    const { command, pin } = request;
    const mapped = mapping.commands[command.type];
    const hide = createMask([pin, ...(credentials?.secrets ?? [])]);
    const startedAt = Date.now();
    const startedMs = performance.now();
    let requestBody: string | null = null;
    let outcome: HttpOutcome | null = null;
    let answer: ConaxAnswer;
    try {
      const body = encode(mapped, fieldValues(request));
      requestBody = pin === undefined ? body : encode(mapped, fieldValues({ ...request, pin: mask }));
      outcome = await transport.send({
        path: `${basePath}${mapped.path}`,
        soapAction: mapped.soapAction,
        body,
        repeatable: !notRepeatable.has(command.type),
      });
      answer = classify(mapped, askedDevice(command), outcome);
    } catch (error) {
      answer = unexpected(error, requestBody !== null);
    }
    const answered = outcome !== null && outcome.kind !== 'failed';
    const hidePin = pin === undefined || pin === '' ? null : createPinMask(pin, knownTexts(mapped, outcome?.status));
    const hideAll: Mask = hidePin === null ? hide : (text) => hidePin.text(hide(text));
    // Where nothing readable came back from the CAS, the description is our own.
    const hideSaid = answered ? hideAll : hide;
    if (hidePin !== null) answer = withoutPin(answer, hidePin);
    return {
      answer:
        'description' in answer
          ? { ...answer, description: recordedText(answer.description, 2_000, hideSaid) }
          : answer,
      command: command.type,
      operation: mapped.operation,
      url: `${base.origin}${basePath}${mapped.path}`,
      requestBody,
      responseBody: outcome === null ? null : responseText(outcome, hideAll),
      httpStatus: outcome?.status ?? null,
      startedAt,
      durationMs: Math.round(performance.now() - startedMs),
    };
  }

  return { call, close: () => transport.close() };
}

/** Texts with digits that every answer to the command may hold: namespaces, and the status in our own descriptions. */
function knownTexts({ answer, output }: MappedCommand, status: number | null | undefined): string[] {
  const namespaces = Object.values(answer).flatMap((path) => path?.steps.map(({ ns }) => ns) ?? []);
  return [soapNamespaces['1.1'], output.ns, ...namespaces, ...(status ? [`HTTP ${status}`] : [])];
}

/** What the CAS says beside its texts. */
function withoutPin(answer: ConaxAnswer, { code, reference }: PinMask): ConaxAnswer {
  if (answer.kind === 'accepted') return { ...answer, referenceNumber: reference(answer.referenceNumber) };
  return answer.kind === 'refused' ? { ...answer, code: code(answer.code) } : answer;
}

/** The device that a pairing question asks about. */
function askedDevice(command: Command): AskedDevice {
  if (command.type === 'GET_PAIRING_STATUS_FOR_CARD') return { kind: 'smartcard', caId: command.smartcard.caId };
  if (command.type === 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE')
    return { kind: 'setTopBox', caId: command.setTopBox.caId };
  return null;
}

function unexpected(error: unknown, mayBeSent: boolean): ConaxAnswer {
  if (error instanceof NotEncodable) return { kind: 'invalid', code: error.code, description: error.message };
  const description = error instanceof Error ? error.message : String(error);
  return mayBeSent
    ? { kind: 'unknown', code: 'CAS_ANSWER_UNREADABLE', description }
    : { kind: 'invalid', code: 'COMMAND_NOT_ENCODABLE', description };
}

function responseText(outcome: HttpOutcome, hide: Mask): string | null {
  return outcome.body === null
    ? null
    : recordedText(legibleText(outcome.body, outcome.contentType), bodyCharactersMax, hide);
}

function credentialsOf({
  username,
  password,
}: ConaxClientOptions): { authorization: string; secrets: string[] } | undefined {
  if (username === undefined && password === undefined) return undefined;
  const token = Buffer.from(`${username ?? ''}:${password ?? ''}`, 'utf8').toString('base64');
  return { authorization: `Basic ${token}`, secrets: [token, password ?? ''] };
}
