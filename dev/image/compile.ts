import { chmodSync, readdirSync, renameSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * Runs while the image is built, as root: puts what Node makes of all modules into /app/compiled, so that a start need not
 * strip their types, which takes a third of its CPU. Node keeps a cache for each user id, in a folder that ends with it and
 * with files that only this user may read.
 */
const CACHE = '/app/compiled';
const USER = '10001';

enableCompileCache(CACHE);
const APP = '/app/src';
await import(`${APP}/service.ts`);
await import(`${APP}/commands/main.ts`);
const program = (await import(`${APP}/commands/program.ts`)) as { readonly createProgram: () => Promise<unknown> };
await program.createProgram();
flushCompileCache();
for (const name of readdirSync(CACHE)) renameSync(join(CACHE, name), join(CACHE, name.replace(/\d+$/, USER)));
for (const entry of readdirSync(CACHE, { recursive: true, withFileTypes: true })) {
  chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}
chmodSync(CACHE, 0o755);
