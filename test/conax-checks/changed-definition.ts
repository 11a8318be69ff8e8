import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { defaultCasFile, loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { CasDefinitionError } from '../../src/conax-checks/mistakes.ts';

/** The template of ADD_SUBSCRIPTIONS, as changes name it. */
export const add = 'requests/ADD_SUBSCRIPTIONS.xml';

export type Change = readonly [file: string, from: string | RegExp, to: string];

/** A copy of a definition with its files, changed: text for text in one of them. */
export function changed(changes: readonly Change[], original = defaultCasFile): string {
  const directory = mkdtempSync(join(tmpdir(), 'conax-cas-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  cpSync(dirname(original), directory, { recursive: true });
  for (const [name, from, to] of changes) {
    const file = join(directory, name);
    const text = readFileSync(file, 'utf8');
    const now = typeof from === 'string' ? text.replace(from, to) : text.replaceAll(from, to);
    if (now === text) throw new Error(`${name} has no ${String(from)}`);
    writeFileSync(file, now);
  }
  return join(directory, 'conax.json');
}

/** The mistakes, with the directory taken out. */
export async function mistakesIn(file: string, entitled = true): Promise<readonly string[]> {
  const error: unknown = await loadCasDefinition(file, entitled).then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CasDefinitionError)) throw error;
  for (const mistake of error.mistakes) expect(error.message).toContain(`- ${mistake}`);
  expect(error.message).toContain(`CONAX_MAPPING_FILE ${file}: ${error.mistakes.length} to fix:`);
  return error.mistakes.map((mistake) => mistake.replaceAll(`${dirname(file)}/`, ''));
}
