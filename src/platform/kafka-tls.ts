import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from './errors.ts';

/** What a TLS connection to the brokers needs beyond the well-known certificates; all in PEM. */
export interface KafkaTls {
  /** Certificates to trust instead of the well-known ones. */
  readonly ca?: string | undefined;
  /** The client's own certificate, with those that lead to a trusted one after it. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The names of the settings, for the sentences below. */
const NAMES = { ca: 'KAFKA_SSL_CA', cert: 'KAFKA_SSL_CERT', key: 'KAFKA_SSL_KEY' } as const;

/**
 * What is wrong with the settings for TLS to Kafka, a sentence each with the remedy; nothing secret is in them. That
 * certificate and key come together is not looked at.
 */
export function kafkaTlsMistakes({ ca, cert, key }: KafkaTls, isSsl: boolean): string[] {
  const mistakes: string[] = [];
  for (const [name, value] of Object.entries({ ca, cert, key })) {
    const setting = NAMES[name as keyof typeof NAMES];
    if (value !== undefined && !isSsl)
      mistakes.push(`${setting} is set, and KAFKA_SSL is false: set KAFKA_SSL to true`);
  }
  if (ca !== undefined) mistakes.push(...certificateMistakes(NAMES.ca, ca));
  const own = cert === undefined ? [] : certificateMistakes(NAMES.cert, cert);
  mistakes.push(...own);
  if (key !== undefined) mistakes.push(...keyMistakes(key, own.length === 0 ? cert : undefined));
  return mistakes;
}

const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g;

function certificateMistakes(name: string, pem: string): string[] {
  const found = pem.match(PEM_CERTIFICATE) ?? [];
  if (found.length === 0) return [`${name} has no certificate: set it to PEM ("-----BEGIN CERTIFICATE-----")`];
  return found.flatMap((one, index) => {
    try {
      createSecureContext({ ca: new X509Certificate(one).toString() });
      return [];
    } catch (error) {
      return [`${name}: certificate ${index + 1} of ${found.length} cannot be read (${messageOf(error)})`];
    }
  });
}

function keyMistakes(pem: string, cert: string | undefined): string[] {
  let key;
  try {
    key = createPrivateKey(pem);
  } catch {
    return [`${NAMES.key} is no private key: set it to PEM without a passphrase ("-----BEGIN PRIVATE KEY-----")`];
  }
  const [own] = cert?.match(PEM_CERTIFICATE) ?? [];
  if (own === undefined || new X509Certificate(own).checkPrivateKey(key)) return [];
  return [
    `${NAMES.key} does not belong to the first certificate of ${NAMES.cert}: set the two that were made together`,
  ];
}
