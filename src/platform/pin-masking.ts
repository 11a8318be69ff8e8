import { escaped, mask, type Mask, spelled, withoutBase64 } from './masking.ts';

/** What may be kept of a CAS's answer to a command that carries a PIN. */
export interface PinMask {
  /** Takes the PIN out of free text, and with it every digit that is not in one of the `kept` texts. */
  readonly text: Mask;
  /** A status code: as it is if it has no digit or is one of ours, else like free text; none of odd characters. */
  readonly code: Mask;
  /** A reference number, whose digits are needed; null if it holds the PIN, or characters that may be an encoding. */
  readonly reference: (referenceNumber: string | null) => string | null;
}

/**
 * Masking the PIN alone would give it away wherever its surroundings are known: in a card number that happens to hold
 * it, in a time of day. So all digits go, whatever they are, and however they are written: a digit in an entity, an
 * escape or hexadecimal is written with digits again. Words stay, so that a person can read what the CAS complains of.
 *
 * @param kept texts that are known beforehand and hold digits: namespaces, the HTTP status.
 */
export function createPinMask(pin: string, kept: readonly string[]): PinMask {
  const known = [...new Set([...KNOWN, ...kept])].filter((text) => text !== '').toSorted((a, b) => b.length - a.length);
  const digits = new RegExp(`(${known.map(escaped).join('|')})|\\p{N}+`, 'gu');
  const anywhere = spelled(pin, BETWEEN);
  const written = /^\p{N}*$/u.test(pin) ? /(?!)/ : anywhere;
  const text: Mask = (whole) =>
    withoutBase64(whole, anywhere, pin.length)
      .replace(written, mask)
      .replace(digits, (_found, own: string | undefined) => own ?? mask);
  return {
    text,
    code: (code) => {
      if (!/^[\p{L}\p{N}\p{M} _.:$-]*$/u.test(code)) return mask;
      return /^(?:HTTP_\d{3}|\P{N}*)$/u.test(code) && !holds(code) ? code : text(code);
    },
    reference: (number) => (number !== null && /^[\w.:/-]*$/.test(number) && !holds(number) ? number : null),
  };

  function holds(candidate: string): boolean {
    // Hexadecimal may have something between its pairs.
    const bare = candidate.replaceAll(/[^\p{L}\p{N}]/gu, '');
    return [candidate, bare].some(
      (one) => one.search(anywhere) >= 0 || withoutBase64(one, anywhere, pin.length) !== one,
    );
  }
}

/** In the first line of most answers. */
const KNOWN = ['version="1.0"', "version='1.0'", 'utf-8', 'UTF-8'];

/** Between two characters of a PIN that somebody spaced out: blanks, punctuation, tags. */
const BETWEEN = String.raw`(?:[\s._,:;/|*-]|<[^<>]{0,80}>|&nbsp;){0,5}`;
