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

/** Returns the name that was probably meant, as a question in front of a remedy; empty if none is near. */
export function didYouMean(written: string, names: readonly string[]): string {
  const near = (name: string): number => {
    const [one, other] = [written.toLowerCase(), name.toLowerCase()];
    return one.length > 3 && (other.includes(one) || one.includes(other)) ? 1 : distance(one, other);
  };
  const [closest] = names.map((name) => ({ name, at: near(name) })).toSorted((a, b) => a.at - b.at);
  return closest !== undefined && closest.at <= Math.min(2, written.length / 2) ? `did you mean ${closest.name}? ` : '';
}

/** Letters to insert, remove or replace. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of Array.from(one).entries()) {
    const next = [at + 1];
    for (const [index, wanted] of Array.from(other).entries()) {
      const replaced = (row[index] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The line, from 1 on, of a position in a text. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
