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
      return secret.length < 4 ? clean : withoutBase64(clean, written, secret.length);
    }, text);
}

function asWord({ source, flags }: RegExp): RegExp {
  return new RegExp(String.raw`(?<![\p{L}\p{N}])(?:${source})(?![\p{L}\p{N}])`, flags);
}

/**
 * A text as it may be kept: secrets hidden, at most `charactersMax` of it. No NUL: PostgreSQL takes none, and between the
 * letters of UTF-16 that nobody announces it would hide a secret from the mask.
 */
export function recordedText(text: string, charactersMax: number, hide: Mask): string {
  const clean = hide(text.replaceAll('\0', '')).toWellFormed();
  return clean.length <= charactersMax
    ? clean
    : `${clean.slice(0, charactersMax).toWellFormed()}… (${clean.length - charactersMax} more characters)`;
}

/**
 * Returns a pattern for a secret whose characters stand as they are, as references, escaped, percent-encoded or quoted-printable,
 * close together or with `between` between them, also in UTF-8 that was read as Latin-1; or as hexadecimal bytes.
 */
export function spelled(secret: string, between = ''): RegExp {
  const bytes = Buffer.from(secret);
  const readings = new Set([secret, bytes.toString('latin1'), new TextDecoder('windows-1252').decode(bytes)]);
  const texts = [...readings].map((text) => Array.from(text, writtenAs).join(`(?:=\\r?\\n)?${between}`));
  const hexadecimal = [bytes, Buffer.from(secret, 'utf16le')].map((all) =>
    all.toString('hex').replaceAll(/..(?=.)/g, String.raw`$&[\s:,-]{0,2}(?:0x)?`),
  );
  return new RegExp([...texts, ...hexadecimal].join('|'), 'giu');
}

function writtenAs(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  const named = namedReferences[character];
  return `(?:${[
    `${reference}#0*${code};`,
    `${reference}#[xX]0*${hex};`,
    ...(named === undefined ? [] : [`${reference}${named};`]),
    // JSON, JavaScript and SQL escape punctuation, and blanks become plus signs in forms.
    /[!-/:-@[-`{-~]/.test(character) ? `\\\\?${escaped(character)}` : escaped(character),
    ...(character === ' ' ? [String.raw`\+`] : []),
    ...(code < 256 ? [`(?:[%=]|\\\\x)${hex.padStart(2, '0')}`, `\\\\0*${code.toString(8)}`] : []),
    Buffer.from(character).toString('hex').replaceAll(/../g, '[%=]$&'),
    Array.from({ length: character.length }, (_, i) => `\\\\u0*${character.charCodeAt(i).toString(16)}`).join(''),
  ].join('|')})`;
}

/** The start of a reference; who copies our request escapes its references once more, as `&amp;#60;` or `&#38;#60;`. */
const reference = '&(?:(?:amp|#0*38|#[xX]0*26);)*';

const namedReferences: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };

/** The text in a pattern. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

const base64Letters = '[A-Za-z0-9+/_-]+';
const lineBreak = String.raw`[ \t]{0,8}(?:[\r\n]|\\[rn]|&#(?:x0*[ad]|0*1[03]);)[ \t]{0,8}`;
const base64Run = new RegExp(`${base64Letters}(?:(?:${lineBreak}){1,4}${base64Letters})*={0,2}`, 'gi');
const lineBreaks = new RegExp(lineBreak, 'gi');

/**
 * Masks each run of base64 whose bytes hold a `spelled` secret, as UTF-8 or as UTF-16: alone, or in a whole message, wrapped
 * in lines. Letters before it, such as those of a path, may shift where its groups of four start.
 */
export function withoutBase64(text: string, written: RegExp, lengthMin: number): string {
  return text.replace(base64Run, (run) => {
    // Four letters are three bytes, and a character has one byte or more.
    if (run.length * 3 < lengthMin * 4) return run;
    const letters = run.replaceAll(lineBreaks, '');
    const isHit = [0, 1, 2, 3].some((from) => {
      const decoded = Buffer.from(letters.slice(from), 'base64').toString('utf8').replaceAll('\0', '');
      return decoded.search(written) >= 0;
    });
    return isHit ? mask : run;
  });
}
