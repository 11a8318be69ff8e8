/**
 * Puts a bug into a copy of the sources, on purpose, and runs the test that should catch it.
 *
 *     node dev/deliberate-bugs.ts [NAME ...]      all of them, or those that are named
 *     node dev/deliberate-bugs.ts --healthy       the same tests without a bug: they have to pass
 *
 * The exit code is 0 only if every bug was caught. docs/reliability.md has the result of the last run.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bug, BUGS } from './deliberate-bugs/bugs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const RESULTS = 'node_modules/.cache/conax-provisioning/test-results.json';

const asked = process.argv.slice(2);
const healthy = asked.includes('--healthy');
const names = asked.filter((name) => name !== '--healthy');
const unknown = names.filter((name) => !BUGS.some((bug) => bug.name === name));
if (unknown.length > 0) {
  console.error(`There is no bug ${unknown.join(', ')}; there are ${BUGS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

let missed = 0;
for (const bug of BUGS.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const startedAt = performance.now();
  const { passed, failed } = await underTest(bug);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const fine = healthy ? failed.length === 0 && passed > 0 : failed.length > 0;
  if (!fine) missed += 1;
  console.log(
    `${healthy ? 'without' : 'with'} ${bug.name} (${bug.what}): ${passed} tests pass, ${failed.length} fail, ${seconds} s${fine ? '' : '  <-- NOT AS EXPECTED'}`,
  );
  for (const { name, message } of failed) console.log(`    ${name}\n        ${message}`);
}
process.exit(missed === 0 ? 0 : 1);

interface Results {
  readonly passed: number;
  readonly failed: readonly { readonly name: string; readonly message: string }[];
}

/** What vitest says about the bug's test on a copy of the tree, with the bug where one is wanted. */
async function underTest(bug: Bug): Promise<Results> {
  const copy = mkdtempSync(join(tmpdir(), `conax-bug-${bug.name}-`));
  try {
    copyTree(copy);
    if (!healthy) for (const change of bug.changes) makeChange(copy, bug, change);
    const results = join(copy, 'results.json');
    const config = bug.test.startsWith('test/crash/') ? 'vitest.faults.config.ts' : 'vitest.config.ts';
    // Not where the whole suite leaves them: node_modules is everybody's.
    makeChange(copy, bug, { file: 'vitest.config.ts', find: RESULTS, replace: 'results.json' });
    await run(copy, ['run', bug.test, '--config', config], bug.env ?? {});
    return summary(readFileSync(results, 'utf8'));
  } finally {
    rmSync(copy, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Every file that git knows or would know, as it is now. */
function copyTree(copy: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  for (const file of new Set(listed.split('\0'))) {
    if (file !== '') cpSync(join(ROOT, file), join(copy, file), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
}

function makeChange(copy: string, bug: Bug, { file, find, replace }: Bug['changes'][number]): void {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(find).length !== 2) {
    throw new Error(`${bug.name}: ${file} has to contain exactly once: ${find}. Bring dev/deliberate-bugs up to date.`);
  }
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
}

function run(cwd: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const vitest = spawn(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    vitest.once('error', reject);
    vitest.once('exit', () => resolve());
  });
}

function summary(json: string): Results {
  const { numPassedTests, testResults } = JSON.parse(json) as {
    numPassedTests: number;
    testResults: {
      name: string;
      message: string;
      status: string;
      assertionResults: { title: string; status: string; failureMessages: string[] }[];
    }[];
  };
  const failed = testResults.flatMap(({ name, message, status, assertionResults }) => {
    const tests = assertionResults.filter((one) => one.status === 'failed');
    if (status === 'failed' && tests.length === 0) return [{ name, message: firstLine(message) }];
    return tests.map(({ title, failureMessages }) => ({ name: title, message: firstLine(failureMessages[0] ?? '') }));
  });
  return { passed: numPassedTests, failed };
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, 300);
}
