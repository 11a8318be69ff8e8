import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What a token endpoint was asked. */
export interface TokenQuestion {
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
  /** By `performance.now()`. */
  readonly at: number;
}

/** Null: it closes the connection without an answer. */
export type TokenAnswer = { readonly status: number; readonly body: string } | null;

export interface TokenEndpoint {
  readonly url: string;
  readonly asked: readonly TokenQuestion[];
  /** What it answers from now on. */
  answer: () => TokenAnswer | Promise<TokenAnswer>;
  close(): Promise<void>;
}

/** A token endpoint on this machine, by TLS if it has key and certificate. */
export async function startTokenEndpoint(tls?: { key: string; cert: string }): Promise<TokenEndpoint> {
  const asked: TokenQuestion[] = [];
  const endpoint = { url: '', asked, answer: (): TokenAnswer | Promise<TokenAnswer> => null, close };
  const answer: (...[request, response]: Parameters<RequestListener>) => Promise<void> = async (request, response) => {
    const form = new URLSearchParams(await textOf(request));
    asked.push({ authorization: request.headers.authorization, form, at: performance.now() });
    const given = await endpoint.answer();
    if (given === null) request.socket.destroy();
    else response.writeHead(given.status, { 'content-type': 'application/json' }).end(given.body);
  };
  const listener: RequestListener = (...call) => void answer(...call);
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  return endpoint;

  function close(): Promise<void> {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

export const granted = (token: string, lifeSeconds?: number | string): TokenAnswer => ({
  status: 200,
  body: JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: lifeSeconds }),
});

/** Settings of a broker that takes tokens without a signature at its listener OAUTH: the default of Kafka's module. */
export const UNSIGNED_TOKENS = {
  'sasl.enabled.mechanisms': 'OAUTHBEARER',
  'listener.name.oauth.oauthbearer.sasl.jaas.config':
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
} as const;

/** A token for such a broker; one with a negative life has ended. */
export function unsignedToken(lifeSeconds: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Date.now() / 1000;
  return `${part({ alg: 'none' })}.${part({ sub: 'conax', iat: now - 600, exp: now + lifeSeconds })}.`;
}
