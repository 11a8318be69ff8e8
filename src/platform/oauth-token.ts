import { Agent, request } from 'undici';
import { boundedText } from './byte-collector.ts';
import { messageOf } from './errors.ts';
import kafkajs from './kafkajs/index.ts';
import type { Logger } from './logging.ts';
import { createMask, recordedText } from './masking.ts';
import { addressOf, namingPart } from './unreachable.ts';

export interface TokenOptions {
  /** The token endpoint (RFC 6749, section 3.2). */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string | undefined;
  /** Certificates to trust instead of the well-known ones, PEM. */
  readonly ca?: string | undefined;
  readonly logger: Logger;
}

/** Tokens of one client for all connections of the process. */
export interface TokenSource {
  /**
   * Returns a token that lasts. Those who ask while a request is under way share its answer.
   * @throws KafkaJSSASLAuthenticationError if the endpoint refuses the client; KafkaJSNonRetriableError if it is away or
   * its answer cannot be used. The message names the endpoint, and has neither secret nor token.
   */
  get(): Promise<string>;
  /** Keeps the token no longer: a broker refused it. */
  forget(): void;
}

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 1 << 20;
/** kafkajs logs in again so long before a session ends, and a session ends with its token. */
export const LOG_IN_BEFORE_MS = 5_000;
/** A token with less time left would end its next session too early: brokers take one login a second. */
const LEFT_MIN_MS = 2 * LOG_IN_BEFORE_MS;
/** A shorter life would make every request log in. */
const LIFE_MIN_MS = LOG_IN_BEFORE_MS + 1_000;
const TRY_AGAIN_MS = 5_000;
const DESCRIPTION_MAX = 300;

interface Token {
  readonly value: string;
  /** By `performance.now()`; null: the endpoint does not say. */
  readonly endsAt: number | null;
}

/**
 * Gets tokens by the client credentials grant (RFC 6749, section 4.4). After half of a token's life it gets the next one,
 * and tries again until it has it: a short outage of the endpoint interrupts nothing.
 */
export function createTokenSource(options: TokenOptions): TokenSource {
  const { url, clientId, clientSecret, scope, ca, logger } = options;
  const dispatcher = new Agent({ connect: ca === undefined ? {} : { ca } });
  const endpoint = `The token endpoint at ${addressOf(url)}`;
  const login = Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64');
  const hide = createMask([clientSecret, login]);
  let kept: Token | null = null;
  let asking: Promise<string> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isFailing = false;

  return {
    async get() {
      if (kept !== null && leftMs(kept) > LEFT_MIN_MS) return kept.value;
      return renewed();
    },
    forget() {
      kept = null;
      clearTimeout(timer);
    },
  };

  function renewed(): Promise<string> {
    asking ??= ask().finally(() => (asking = null));
    return asking;
  }

  async function ask(): Promise<string> {
    const askedAt = performance.now();
    const { status, answer } = await exchange();
    if (status !== 200) throw refusal(status, answer);
    const { access_token: value, expires_in: seconds } = Object(answer) as Record<string, unknown>;
    // A control character would end the message to the broker.
    if (typeof value !== 'string' || !/^[\u0021-\u007E]+$/.test(value)) throw unusable('without a token');
    // Some endpoints write the number as a text.
    const lifeMs = seconds === undefined || seconds === null ? null : Number(seconds) * 1000;
    if (lifeMs !== null && !(lifeMs >= LIFE_MIN_MS)) {
      throw unusable(`with a token that ends in ${String(lifeMs / 1000)} s: let tokens last for minutes`);
    }
    kept = { value, endsAt: lifeMs === null ? null : askedAt + lifeMs };
    if (isFailing) logger.info('kafka: the token is renewed again');
    isFailing = false;
    if (lifeMs !== null && lifeMs / 2 > LEFT_MIN_MS) renewIn(lifeMs / 2);
    return value;
  }

  function renewIn(ms: number): void {
    clearTimeout(timer);
    // A process that only waits for this has nothing to do any more.
    timer = setTimeout(() => void renewed().catch(onFailure), ms).unref();
  }

  function onFailure(error: unknown): void {
    const left = kept === null ? 0 : Math.round(leftMs(kept) / 1000);
    if (!isFailing) {
      logger.warn(
        { reason: messageOf(error) },
        `kafka: the token cannot be renewed; the present one ends in ${left} s`,
      );
    }
    isFailing = true;
    // Afterwards every login asks.
    if (left > 0) renewIn(TRY_AGAIN_MS);
  }

  async function exchange(): Promise<{ status: number; answer: unknown }> {
    const fields = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) };
    try {
      const { statusCode, body } = await request(url, {
        method: 'POST',
        dispatcher,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          authorization: `Basic ${login}`,
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams(fields).toString(),
      });
      return { status: statusCode, answer: jsonOf(await boundedText(body, ANSWER_BYTES_MAX, tooLong)) };
    } catch (error) {
      const named = namingPart(endpoint.replace(/ at .*/, ''), addressOf(url), error);
      const problem = named === error ? `${endpoint} did not answer: ${messageOf(error)}` : messageOf(named);
      throw new kafkajs.KafkaJSNonRetriableError(problem);
    }
  }

  function refusal(status: number, answer: unknown): Error {
    const { error, error_description: description } = Object(answer) as Record<string, unknown>;
    const reasons = [error, description].filter((one) => typeof one === 'string');
    const told = reasons.length === 0 ? '' : `: ${recordedText(reasons.join(', '), DESCRIPTION_MAX, hide)}`;
    const problem = `${endpoint} answered ${status}${told}`;
    if (status >= 500 || status === 408 || status === 429) return new kafkajs.KafkaJSNonRetriableError(problem);
    const remedy =
      typeof error === 'string'
        ? 'see KAFKA_OAUTH_CLIENT_ID, KAFKA_OAUTH_CLIENT_SECRET and KAFKA_OAUTH_SCOPE'
        : 'see whether KAFKA_OAUTH_TOKEN_URL leads to a token endpoint';
    return new KafkaLoginError(`${problem} (${remedy})`);
  }

  function unusable(how: string): Error {
    return new kafkajs.KafkaJSNonRetriableError(`${endpoint} answered ${how}`);
  }
}

/** As its type does not say, the constructor takes a message. */
export const KafkaLoginError = kafkajs.KafkaJSSASLAuthenticationError as unknown as new (message: string) => Error;

function leftMs({ endsAt }: Token): number {
  return endsAt === null ? 0 : endsAt - performance.now();
}

/** User and password of a client are form-encoded before they go into the header (RFC 6749, section 2.3.1). */
function formEncoded(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
}

const tooLong = (): Error => new Error(`its answer has more than ${ANSWER_BYTES_MAX} bytes`);

/** Null if it is no JSON: proxies answer with HTML. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
