import { randomUUID } from 'node:crypto';
import type { Command, CommandType } from '../planning/command.ts';
import { messageOf } from '../platform/errors.ts';
import { legibleText } from '../soap/charset.ts';
import { soapNamespaces } from '../soap/envelope.ts';
import type { AskedDevice } from './answer-lists.ts';
import { classify, isRepeatable } from './answer.ts';
import type { CasCommand, CasDefinition } from './cas-definition.types.ts';
import type { ConaxAnswer, ConaxCall, ConaxClient, ConaxExchange } from './client.types.ts';
import type { ClientTls } from '../soap/connection.ts';
import type { HttpOutcome } from './exchange.ts';
import { fieldValues } from './fields.ts';
import { createMask, mask, type Mask, recordedText } from '../platform/masking.ts';
import { createPinMask, type PinMask } from '../platform/pin-masking.ts';
import { NotEncodable, render } from './template.ts';
import { createTransport } from './transport.ts';

export interface ConaxClientOptions {
  /** http:// or https://, with the path that stands before the areas' paths, if any. */
  readonly baseUrl: string;
  readonly definition: CasDefinition;
  /** HTTP Basic, unless conax.json says otherwise, and the fields of the templates. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: ClientTls | undefined;
  /** Milliseconds for a whole call, the wait for a connection included. */
  readonly timeoutMs: number;
  /** Calls under way at once. */
  readonly maxConnections: number;
  /** Whether calls share connections (default: no); messages and fingerprints never do. See decision 0006. */
  readonly keepAlive?: boolean | undefined;
  /** After how many calendar months an entitlement ends (default 0: never). */
  readonly entitlementMonths?: number | undefined;
  /** Called with each answer as it came, secrets included, to look into. What is kept or shown must be masked. */
  readonly onAnswer?: ((text: string) => void) | undefined;
  /** Called every time when bytes came from the CAS that no request asked for. */
  readonly onSurplus?: (() => void) | undefined;
}

/** What is kept of a body; a longer one is cut. */
const bodyCharactersMax = 65_536;

/** Opens the CAS; no connection is made before the first call. */
export function createConaxClient(options: ConaxClientOptions): ConaxClient {
  const { definition, entitlementMonths = 0 } = options;
  const base = new URL(options.baseUrl);
  const basePath = base.pathname.replace(/\/+$/, '');
  const credentials = credentialsOf(options);
  const transport = createTransport({
    origin: base.origin,
    authorization: definition.basicAuth ? credentials?.authorization : undefined,
    tls: options.tls ?? {},
    timeoutMs: options.timeoutMs,
    maxConnections: options.maxConnections,
    keepAlive: options.keepAlive ?? false,
    onSurplus: options.onSurplus ?? (() => undefined),
  });

  const secrets = [...(credentials?.secrets ?? []), ...definition.secrets];
  const hideLogin = createMask(secrets);
  // A short password may be part of a code or a reference number by chance, and gives nothing away there.
  const hideWords = createMask(secrets, 'words');
  const loginMask = {
    code: hideWords,
    reference: (number: string | null) => (number !== null && hideWords(number) !== number ? null : number),
  };

  /** An address for people: a path may have the password in its query. */
  const urlOf = (path: string): string => base.origin + hideWords(basePath + path);

  async function call(request: ConaxCall): Promise<ConaxExchange> {
    const { command, pin } = request;
    const startedAt = Date.now();
    const mapped = definition.commands[command.type];
    if (mapped === undefined) return notSupported(command.type, startedAt);
    const startedMs = performance.now();
    const messageId = randomUUID();
    let requestBody: string | null = null;
    let outcome: HttpOutcome | null = null;
    let answer: ConaxAnswer;
    try {
      const values = fieldValues(request, {
        now: startedAt,
        messageId,
        username: options.username,
        password: options.password,
        entitlementMonths,
      });
      const body = render(mapped.template, values);
      const hasSecret = Object.keys(maskedSecrets).some((field) => mapped.template.uses.has(field));
      requestBody = hideLogin(hasSecret ? render(mapped.template, { ...values, ...maskedSecrets }) : body);
      outcome = await transport.send({
        path: `${basePath}${mapped.path}`,
        soapVersion: mapped.soapVersion,
        soapAction: mapped.soapAction,
        body,
        repeatable: isRepeatable(command.type),
        traceparent: request.traceparent ?? null,
      });
      answer = classify(mapped, askedDevice(command), outcome, messageId);
      if (outcome.body !== null) options.onAnswer?.(legibleText(outcome.body, outcome.contentType));
    } catch (error) {
      answer = unexpected(error, requestBody !== null);
    }
    const hidePin = pin === undefined || pin === '' ? null : createPinMask(pin, knownTexts(mapped, outcome?.status));
    const hideAll: Mask = hidePin === null ? hideLogin : (text) => hidePin.text(hideLogin(text));
    // The description of a failure is our own, and its digits are not those of a PIN.
    const hideSaid = outcome?.kind === 'failed' ? hideLogin : hideAll;
    answer = withoutSecrets(answer, loginMask);
    if (hidePin !== null) answer = withoutSecrets(answer, hidePin);
    return {
      answer:
        'description' in answer
          ? { ...answer, description: recordedText(answer.description, 2_000, hideSaid) }
          : answer,
      command: command.type,
      operation: mapped.body.name,
      url: urlOf(mapped.path),
      requestBody,
      responseBody: outcome?.body
        ? recordedText(legibleText(outcome.body, outcome.contentType), bodyCharactersMax, hideAll)
        : null,
      httpStatus: outcome?.status ?? null,
      startedAt,
      durationMs: Math.round(performance.now() - startedMs),
    };
  }

  function notSupported(command: CommandType, startedAt: number): ConaxExchange {
    const description = unsupportedText(command, definition.unsupported.get(command) ?? '');
    const answer = { kind: 'invalid', code: 'FEATURE_NOT_AVAILABLE', description } as const;
    const nothing = { requestBody: null, responseBody: null, httpStatus: null };
    return { answer, command, operation: command, url: urlOf(''), ...nothing, startedAt, durationMs: 0 };
  }

  return { call, close: () => transport.close() };
}

/** What a command is refused with that the CAS does not have. */
export function unsupportedText(type: CommandType, why: string): string {
  return `${type} is declared as unsupported (${why}), so it is refused and never sent; if the CAS has it, write its template and its entry in conax.json`;
}

/** Texts with digits that every answer to the command may hold: namespaces, and status and codes in our descriptions. */
function knownTexts({ answer }: CasCommand, status: number | null | undefined): string[] {
  const namespaces = Object.values(answer.paths).flatMap((path) => path.map(({ ns }) => ns));
  const codes = [...answer.notAuthorised].map((code) => `refuses the login with ${code}`);
  const known = [...Object.values(soapNamespaces), answer.element?.ns ?? '', ...namespaces, ...codes];
  return status ? [...known, `HTTP ${status}`] : known;
}

const maskedSecrets = { pin: mask, password: mask };

/** What the CAS says besides its texts. */
function withoutSecrets(answer: ConaxAnswer, { code, reference }: Pick<PinMask, 'code' | 'reference'>): ConaxAnswer {
  if (answer.kind === 'accepted') return { ...answer, referenceNumber: reference(answer.referenceNumber) };
  // conax.json has a declared code, so it reveals nothing about a secret.
  return answer.kind === 'refused' && answer.review ? { ...answer, code: code(answer.code) } : answer;
}

/** The device that a question asks about. */
function askedDevice(command: Command): AskedDevice {
  if (command.type === 'GET_ACTIVE_SUBSCRIPTIONS' || command.type === 'GET_PAIRING_STATUS_FOR_CARD')
    return { kind: 'smartcard', caId: command.smartcard.caId };
  if (command.type === 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE')
    return { kind: 'setTopBox', caId: command.setTopBox.caId };
  return null;
}

function unexpected(error: unknown, mayBeSent: boolean): ConaxAnswer {
  if (error instanceof NotEncodable) return { kind: 'invalid', code: error.code, description: error.message };
  const description = messageOf(error);
  return mayBeSent
    ? { kind: 'unknown', code: 'CAS_ANSWER_UNREADABLE', description }
    : { kind: 'invalid', code: 'COMMAND_NOT_ENCODABLE', description };
}

/** HTTP Basic, and what must not be shown of it; undefined without a login. */
export function credentialsOf({
  username,
  password,
}: Pick<ConaxClientOptions, 'username' | 'password'>): { authorization: string; secrets: string[] } | undefined {
  if (username === undefined && password === undefined) return undefined;
  const token = Buffer.from(`${username ?? ''}:${password ?? ''}`, 'utf8').toString('base64');
  return { authorization: `Basic ${token}`, secrets: [token, password ?? ''] };
}
