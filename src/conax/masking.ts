import { escapeXml } from './xml.ts';

/** What stands where a secret was. */
export const mask = '****';

/** Takes every secret out of a text. */
export type Mask = (text: string) => string;

/** Hides these secrets, as they are and as XML writes them. Undefined and empty ones hide nothing. */
export function createMask(secrets: readonly (string | undefined)[]): Mask {
  const written = secrets.flatMap((secret) => (secret ? [secret, escapeXml(secret), namedEscapes(secret)] : []));
  // The longest first: a shorter one may be part of it.
  const hidden = [...new Set(written)].toSorted((a, b) => b.length - a.length);
  return (text) => hidden.reduce((rest, secret) => rest.replaceAll(secret, mask), text);
}

/** A text as it may be kept: secrets hidden, no NUL (PostgreSQL takes none), at most `charactersMax` of it. */
export function recordedText(text: string, charactersMax: number, hide: Mask): string {
  const clean = hide(text).replaceAll('\0', '\uFFFD').toWellFormed();
  return clean.length <= charactersMax
    ? clean
    : `${clean.slice(0, charactersMax).toWellFormed()}… (${clean.length - charactersMax} more characters)`;
}

function namedEscapes(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
