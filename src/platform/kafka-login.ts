import type { Mechanism } from 'kafkajs';
import { messageOf } from './errors.ts';
import { KafkaLoginError, type TokenSource } from './oauth-token.ts';

/** Ends the parts of the first message (RFC 7628, section 3.1). */
const END = '\u0001';

/**
 * SASL/OAUTHBEARER for kafkajs. Its own one never reads the broker's answer: it takes a refused token for an accepted one,
 * and the next request breaks the connection with no reason. This one reports what the broker says, and gets a new token
 * for the next login, as keys may have changed.
 * @param extensions what the broker wants to know besides the token, by name.
 */
export function oauthLogin(tokens: TokenSource, extensions: Readonly<Record<string, string>>): Mechanism {
  const more = Object.entries(extensions).map(([name, value]) => `${END}${name}=${value}`);
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ host, port, saslAuthenticate }) => ({
      async authenticate() {
        const token = await tokens.get();
        const first = `n,,${END}auth=Bearer ${token}${more.join('')}${END}${END}`;
        const exchange = async (message: string): Promise<string> =>
          (await saslAuthenticate({ request: requestOf(message), response: ANSWER })) as string;
        try {
          const challenge = await exchange(first);
          if (challenge === '') return;
          // The broker ends the exchange, with its reason, only after this (RFC 7628, section 3.2.3).
          await exchange(END);
          throw refusal(challenge);
        } catch (error) {
          throw (error as { type?: unknown }).type === 'SASL_AUTHENTICATION_FAILED' ? refusal(messageOf(error)) : error;
        }

        function refusal(reason: string): Error {
          tokens.forget();
          return new KafkaLoginError(`Kafka at ${host}:${port} refused the token: ${reason}`);
        }
      },
    }),
  };
}

/** Messages have their length before them. */
function requestOf(message: string): { encode: () => Buffer } {
  const bytes = Buffer.from(message);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return { encode: () => Buffer.concat([length, bytes]) };
}

const ANSWER = {
  decode: (bytes: Buffer) => bytes.subarray(4),
  parse: (bytes: Buffer) => bytes.toString('utf8'),
};
