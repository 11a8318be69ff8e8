/** Characters that are no letter for Unicode and are seen nevertheless: the number signs of Arabic, Syriac and Kaithi. */
const SEEN_FORMAT = /[\u0600-\u0605\u06DD\u070F\u0890\u0891\u08E2\u{110BD}\u{110CD}]/u;
/** What a character must follow that only changes how its neighbour looks: something that is seen. */
const JOINER = /[\u200C\u200D]|\p{Variation_Selector}/u;
const LINE_END_OR_TAB = /[\t\n]/;
/** U+FFFC and U+FFFD stand for something that is not in the text any more. */
const STAND_IN = /[\uFFFC\uFFFD]/;
/** Nothing of it is seen on a screen: blanks (braille has its own), marks without a letter. */
const BLANK = /[\p{Z}\p{M}\s\u2800]/u;

/**
 * Returns what is wrong with the text of a message for a screen, or null: a sentence without its subject, which names the
 * character by its code point and position. The one definition for the API, the command line, runs, queue and schedules.
 *
 * Taken are letters, marks, digits, signs and blanks of all scripts, tab and line break (LF or CR LF). Refused are
 * characters that a screen does not show: controls, marks of direction, invisible format characters and fillers, what is
 * not assigned or private, replacement characters; and a text of which nothing is seen. Joiners (ZWJ, ZWNJ) and variation
 * selectors are taken after a character that is seen: Persian, the scripts of India and emoji are written with them.
 * Marks of direction are not needed: screens order the letters of Arabic and Hebrew by themselves.
 */
export function messageTextProblem(text: string): string | null {
  const characters = Array.from(text);
  let seen = false;
  for (const [index, character] of characters.entries()) {
    const why = refusedBecause(character, characters[index - 1], characters[index + 1]);
    if (why !== null) return `has ${named(character)} as character ${index + 1}, ${why}: leave it out`;
    seen ||= isSeen(character);
  }
  return seen ? null : 'shows nothing (blanks, or marks without a letter): give a text that shows, not blanks alone';
}

function refusedBecause(character: string, before: string | undefined, after: string | undefined): string | null {
  if (LINE_END_OR_TAB.test(character) || SEEN_FORMAT.test(character)) return null;
  if (character === '\r' && after === '\n') return null;
  if (/\p{Cc}/u.test(character)) return 'a control character';
  if (/\p{Cs}/u.test(character)) return 'half a character';
  if (/\p{Bidi_Control}/u.test(character)) return 'which changes the direction of text';
  if (JOINER.test(character)) {
    return before !== undefined && (/\p{M}/u.test(before) || isSeen(before)) ? null : 'which joins to nothing here';
  }
  if (/[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(character)) return 'which is not shown';
  if (/\p{Co}/u.test(character)) return 'which is private use, and means something else elsewhere';
  if (/\p{Cn}/u.test(character)) return 'which is not assigned';
  return STAND_IN.test(character) ? 'which stands for what was lost before' : null;
}

function isSeen(character: string): boolean {
  return (
    SEEN_FORMAT.test(character) ||
    !(BLANK.test(character) || /[\p{C}\p{Default_Ignorable_Code_Point}]/u.test(character))
  );
}

function named(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
