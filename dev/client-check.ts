/**
 * `npx node dev/client-check.ts`: holds the OpenAPI document against another ecosystem. Starts everything, generates a
 * Java client from the running service's `/openapi.json` with OpenAPI Generator, compiles it together with
 * `client-check/ClientCheck.java`, and runs that against the service. Exit code 0 only when it compiles and every
 * answer is the expected one. Needs Java 17 with its compiler, and Maven for the first time. A database that DATABASE_URL
 * names keeps the user and the households that it adds.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileClient, generateClient, javaTools, runClient } from './client-check/java-client.ts';
import { prepareSite } from './client-check/site.ts';
import { type Installation, startInstallation } from './installation.ts';

const print = (line: string): void => console.log(line);

// Without a key the service takes no PINs. It is given here because the service takes the environment of this process.
if (!('PIN_KEY' in process.env || 'PIN_KEY_FILE' in process.env)) {
  process.env['PIN_KEY'] = randomBytes(32).toString('hex');
}
const tools = await javaTools(process.env, print);
const installation = await startInstallation(print);
const directory = mkdtempSync(join(tmpdir(), 'conax-client-check-'));
let passed: boolean;
try {
  passed = await Promise.race([
    check(installation),
    installation.ended.then((sentence) => Promise.reject(new Error(sentence))),
  ]);
} finally {
  await installation.stop();
}
if (passed) await rm(directory, { recursive: true });
print(passed ? 'the generated client works' : `not every answer is as expected; the client is in ${directory}`);
process.exit(passed ? 0 : 1);

async function check({ serviceUrl, stack }: Installation): Promise<boolean> {
  const site = await prepareSite(stack.databaseUrl);
  print(`user ${site.username} added, ${site.imported} subscriptions imported`);
  const response = await fetch(`${serviceUrl}/openapi.json`);
  if (!response.ok) throw new Error(`${serviceUrl}/openapi.json answers ${response.status}`);
  const document = join(directory, 'openapi.json');
  await writeFile(document, await response.text());
  const sources = await generateClient(tools, document, directory);
  print(`client generated from /openapi.json: ${sources.length} Java files`);
  await compileClient(tools, sources, directory);
  print('client compiled');
  return runClient(tools, directory, { ...site, serviceUrl }, print);
}
