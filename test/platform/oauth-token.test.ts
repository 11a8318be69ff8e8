import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/platform/logging.ts';
import { createTokenSource, type TokenOptions, type TokenSource } from '../../src/platform/oauth-token.ts';
import { makeIdentity } from '../conax/certificates.ts';
import { granted, startTokenEndpoint, type TokenAnswer, type TokenEndpoint } from '../support/token-endpoint.ts';

const SECRET = 's3cret+%';
let endpoint: TokenEndpoint;
beforeEach(async () => {
  endpoint = await startTokenEndpoint();
});
afterEach(async () => {
  vi.useRealTimers();
  await endpoint.close();
});

function open(more: Partial<TokenOptions> = {}): TokenSource {
  const options = { url: endpoint.url, clientId: 'con:ax', clientSecret: SECRET, logger: createLogger('silent') };
  return createTokenSource({ ...options, ...more });
}

/** Answers with another token each time. */
function grantInTurn(lifeSeconds?: number | string): void {
  endpoint.answer = () => granted(`token-${endpoint.asked.length}`, lifeSeconds);
}

const problemOf = (work: Promise<unknown>): Promise<{ name: string; message: string; retriable?: boolean }> =>
  work.then(
    () => ({ name: '', message: 'no problem' }),
    (error: unknown) => error as Error,
  );

describe('a token', () => {
  test('is asked for by the client credentials grant, with id and secret form-encoded in the header', async () => {
    grantInTurn(300);
    expect(await open({ scope: 'kafka write' }).get()).toBe('token-1');
    const [{ authorization, form } = { authorization: '', form: new URLSearchParams() }] = endpoint.asked;
    expect([...form]).toEqual([
      ['grant_type', 'client_credentials'],
      ['scope', 'kafka write'],
    ]);
    expect(Buffer.from((authorization ?? '').replace('Basic ', ''), 'base64').toString()).toBe('con%3Aax:s3cret%2B%25');
  });

  test('is asked for once by all who need it at once, and kept; one that ends soon, or nobody knows when, is not', async () => {
    grantInTurn('300');
    const tokens = open();
    expect(await Promise.all([tokens.get(), tokens.get()])).toEqual(['token-1', 'token-1']);
    expect(await tokens.get()).toBe('token-1');
    tokens.forget();
    expect(await tokens.get()).toBe('token-2');
    for (const life of [9, undefined]) {
      grantInTurn(life);
      const other = open();
      const first = await other.get();
      expect(await other.get()).not.toBe(first);
    }
  });

  test('is renewed after half of its life, again and again while the endpoint is away', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    grantInTurn(300);
    const tokens = open();
    await tokens.get();
    const askedAgain = (): Promise<void> => {
      const heard = Promise.withResolvers<void>();
      const answer = endpoint.answer;
      endpoint.answer = () => {
        heard.resolve();
        return answer();
      };
      return heard.promise;
    };
    endpoint.answer = () => null;
    let asked = askedAgain();
    vi.advanceTimersByTime(149_000);
    expect(endpoint.asked).toHaveLength(1);
    vi.advanceTimersByTime(1_000);
    await asked;
    // The failure is known once the next try is planned.
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
    expect(await tokens.get()).toBe('token-1');
    grantInTurn(300);
    asked = askedAgain();
    await vi.waitFor(async () => {
      vi.advanceTimersByTime(5_000);
      expect(await tokens.get()).not.toBe('token-1');
    });
    await asked;
  });
});

describe('a token endpoint', () => {
  test.each<[string, TokenAnswer, RegExp, string]>([
    [
      'that refuses the client is named with its reason, and what to look at',
      {
        status: 401,
        body: JSON.stringify({ error: 'invalid_client', error_description: `no such secret: ${SECRET}` }),
      },
      /^The token endpoint at 127\.0\.0\.1:\d+ answered 401: invalid_client, no such secret: \*{4} \(see KAFKA_OAUTH_CLIENT_ID/,
      'KafkaJSSASLAuthenticationError',
    ],
    [
      'that is none is named',
      { status: 404, body: '<html>no</html>' },
      /answered 404 \(see whether KAFKA_OAUTH_TOKEN_URL leads to a token endpoint\)$/,
      'KafkaJSSASLAuthenticationError',
    ],
    ['in trouble is waited for', { status: 503, body: '' }, /answered 503$/, 'KafkaJSNonRetriableError'],
    [
      'that does not answer is waited for',
      null,
      /^The token endpoint at \S+ (did not|cannot)/,
      'KafkaJSNonRetriableError',
    ],
    ['without a token is named', { status: 200, body: '{}' }, /answered without a token$/, 'KafkaJSNonRetriableError'],
    ['with a token that breaks out is named', granted('x\u0001y', 300), /without a token$/, 'KafkaJSNonRetriableError'],
    [
      'whose tokens end at once is named',
      granted('x', 3),
      /with a token that ends in 3 s: let tokens last for minutes$/,
      'KafkaJSNonRetriableError',
    ],
  ])('%s', async (_, answer, message, name) => {
    endpoint.answer = () => answer;
    const problem = await problemOf(open().get());
    expect(problem.message).toMatch(message);
    expect(problem.message).not.toContain(SECRET);
    expect(problem).toMatchObject({ name, retriable: false });
  });

  test('with a certificate of a private CA is trusted with KAFKA_OAUTH_CA, and named without', async () => {
    await endpoint.close();
    const authority = makeIdentity('Authority');
    endpoint = await startTokenEndpoint(makeIdentity('Login', authority));
    grantInTurn(300);
    expect(await open({ ca: authority.cert }).get()).toBe('token-1');
    expect((await problemOf(open().get())).message).toMatch(
      /^The token endpoint at 127\.0\.0\.1:\d+ cannot be reached: unable to (get local issuer|verify the first) cert/,
    );
  });

  test('that nobody serves is named by its address', async () => {
    await endpoint.close();
    expect((await problemOf(open().get())).message).toMatch(
      /^The token endpoint at 127\.0\.0\.1:\d+ refused the connection \(ECONNREFUSED\)$/,
    );
  });
});
