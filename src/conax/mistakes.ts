/** Takes a mistake in a file that the operator wrote: the problem and its remedy in one sentence. */
export type Report = (file: string, line: number, problem: string) => void;

/** conax.json, its templates and its WSDLs do not fit together; the message names every mistake. */
export class CasDefinitionError extends Error {
  override readonly name = 'CasDefinitionError';
  readonly mistakes: readonly string[];
  constructor(file: string, mistakes: readonly string[]) {
    super(`CONAX_MAPPING_FILE ${file}: ${mistakes.length} to fix:\n${mistakes.map((line) => `- ${line}`).join('\n')}`);
    this.mistakes = mistakes;
  }
}

/** The line, from 1 on, of a position in a text. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
