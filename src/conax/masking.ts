/** What stands where a secret was. */
export const mask = '****';

/** Takes every secret out of a text. */
export type Mask = (text: string) => string;

/** A longer secret stands in no other word by chance. */
const wordMax = 7;

/**
 * Hides these secrets, however they are written. Undefined and empty ones hide nothing.
 * @param where `words`: a short one only if it is a word of its own, so that `1` stays in `101`. For single texts; in a
 * whole message words cannot be told.
 */
export function createMask(secrets: readonly (string | undefined)[], where: 'words' | 'anywhere' = 'anywhere'): Mask {
  // The longest first: a shorter one may be part of it.
  const hidden = [...new Set(secrets.flatMap((secret) => (secret ? [secret] : [])))]
    .toSorted((a, b) => b.length - a.length)
    .map((secret) => {
      const written = spelled(secret);
      const isWord = where === 'words' && secret.length <= wordMax;
      return { secret, written, shown: isWord ? asWord(written) : written };
    });
  return (text) =>
    hidden.reduce((rest, { secret, written, shown }) => {
      const clean = rest.replace(shown, mask);
      // Words decode to bytes that hold one or two characters by chance.
      return secret.length < 4 ? clean : withoutBase64(clean, written);
    }, text);
}

function asWord({ source, flags }: RegExp): RegExp {
  return new RegExp(String.raw`(?<![\p{L}\p{N}])(?:${source})(?![\p{L}\p{N}])`, flags);
}

/** A text as it may be kept: secrets hidden, no NUL (PostgreSQL takes none), at most `charactersMax` of it. */
export function recordedText(text: string, charactersMax: number, hide: Mask): string {
  const clean = hide(text).replaceAll('\0', '\uFFFD').toWellFormed();
  return clean.length <= charactersMax
    ? clean
    : `${clean.slice(0, charactersMax).toWellFormed()}… (${clean.length - charactersMax} more characters)`;
}

/**
 * Returns a pattern for a secret whose characters stand as they are, as references, percent-encoded or escaped, close
 * together or with `between` between them; or as hexadecimal bytes.
 */
export function spelled(secret: string, between = ''): RegExp {
  const characters = Array.from(secret).map((character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    const named = namedReferences[character];
    return `(?:${[
      `&(?:amp;)*#0*${code};`,
      `&(?:amp;)*#[xX]0*${hex};`,
      ...(named === undefined ? [] : [`&(?:amp;)*${named};`]),
      escaped(character),
      ...(code < 128 ? [`%${hex}`, `\\\\x${hex}`] : []),
      `\\\\u0*${hex}`,
    ].join('|')})`;
  });
  return new RegExp(`${characters.join(between)}|${Buffer.from(secret).toString('hex')}`, 'giu');
}

const namedReferences: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/** The text in a pattern. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

/** Masks each run of base64 whose bytes hold a `spelled` secret, as UTF-8 or as UTF-16: alone, or in a whole message. */
export function withoutBase64(text: string, written: RegExp): string {
  return text.replace(/[A-Za-z0-9+/_-]{6,}={0,2}/g, (run) => {
    const decoded = Buffer.from(run, 'base64').toString('utf8').replaceAll('\0', '');
    return decoded.search(written) >= 0 ? mask : run;
  });
}
