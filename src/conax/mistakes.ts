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

/** Sorts lines that start with `file:line: `: those of one file together, by their lines, and those of `first` before others. */
export function inOrder(lines: readonly string[], first: string): string[] {
  const placed = lines.map((text) => {
    const [, file = '', line = ''] = /^(.*?):(\d+): /.exec(text) ?? [];
    return { text, file, line: Number(line) };
  });
  const files = [first, ...placed.map(({ file }) => file)];
  return placed
    .toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line)
    .map(({ text }) => text);
}
