import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from './errors.ts';

/** What a TLS connection needs beyond the well-known certificates; all in PEM. */
export interface TlsTexts {
  /** Certificates to trust instead of the well-known ones. */
  readonly ca?: string | undefined;
  /** The client's own certificate, with those that lead to a trusted one after it. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * What is wrong with the settings of a TLS connection, a sentence each with the remedy; nothing secret is in them. That
 * certificate and key come together is not looked at. `names`: those of the settings.
 */
export function tlsMistakes({ ca, cert, key }: TlsTexts, names: Readonly<Record<keyof TlsTexts, string>>): string[] {
  const mistakes = ca === undefined ? [] : certificateMistakes(names.ca, ca);
  const own = cert === undefined ? [] : certificateMistakes(names.cert, cert);
  mistakes.push(...own);
  if (key !== undefined) mistakes.push(...keyMistakes(key, own.length === 0 ? cert : undefined, names));
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
      return [
        `${name}: certificate ${index + 1} of ${found.length} cannot be read (${messageOf(error)}): set it to PEM`,
      ];
    }
  });
}

function keyMistakes(pem: string, cert: string | undefined, names: Readonly<Record<keyof TlsTexts, string>>): string[] {
  let key;
  try {
    key = createPrivateKey(pem);
  } catch {
    return [`${names.key} is no private key: set it to PEM without a passphrase ("-----BEGIN PRIVATE KEY-----")`];
  }
  const [own] = cert?.match(PEM_CERTIFICATE) ?? [];
  if (own === undefined || new X509Certificate(own).checkPrivateKey(key)) return [];
  return [
    `${names.key} does not belong to the first certificate of ${names.cert}: set the two that were made together`,
  ];
}
