/** Takes a mistake in a file that the operator wrote: the problem and its remedy in one sentence. */
export type Report = (file: string, line: number, problem: string) => void;

/** conax.json, its templates and its WSDLs do not fit together; the message names every mistake, and then the warnings. */
export class CasDefinitionError extends Error {
  override readonly name = 'CasDefinitionError';
  readonly mistakes: readonly string[];
  constructor(file: string, mistakes: readonly string[], warnings: readonly string[] = []) {
    const list = (lines: readonly string[]): string => lines.map((line) => `\n- ${line}`).join('');
    const noticed = warnings.length === 0 ? '' : `\nAlso noticed:${list(warnings)}`;
    super(`CONAX_MAPPING_FILE ${file}: ${mistakes.length} to fix:${list(mistakes)}${noticed}`);
    this.mistakes = mistakes;
  }
}

/** The line, from 1 on, of a position in a text. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** Other places that a line names. */
const placesMax = 3;

/**
 * Sorts lines that start with `file:line: `: those of one file together, by their lines, and those of `first` before
 * others. The same problem at several places or in several commands of conax.json is one line that names them.
 */
export function inOrder(lines: Iterable<string>, first: string): string[] {
  const placed = [...lines].map((whole) => {
    const text = whole.replaceAll(/\s*\n\s*/g, ' ');
    const [, file = '', line = '', type, member = '', problem = text] =
      /^(.*?):(\d+): (?:commands\.([A-Z_]+)(\.\S+)?: )?([^]*)$/.exec(text) ?? [];
    return { text, file, line: Number(line), type, key: `${type === undefined ? '' : member} ${problem}` };
  });
  const files = [first, ...placed.map(({ file }) => file)];
  const sorted = placed.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
  return [...Map.groupBy(sorted, ({ key }) => key).values()].map(([one, ...others]) => {
    const types = others.flatMap(({ type }) => type ?? []);
    if (types.length > 0) return `${one?.text} (${types.length + 1} commands: also ${types.join(', ')})`;
    return `${one?.text}${alsoAt(others.map(({ file, line }) => `${file}:${line}`))}`;
  });
}

/** Names further places of one problem; empty if there are none. */
export function alsoAt(places: readonly string[]): string {
  if (places.length === 0) return '';
  const more = places.length - placesMax;
  const rest = more > 0 ? ` and ${more} more` : '';
  return ` (${places.length + 1} places: also ${places.slice(0, placesMax).join(', ')}${rest})`;
}
