import { createRequire } from 'node:module';
import type * as kafkajs from 'kafkajs';

const need = createRequire(import.meta.url);

/** The version that the repairs in this directory were written for, line by line of its source. */
export const REPAIRED_VERSION = '2.2.4';

/** @throws Error that lists what to check again, if the version is not the one that the repairs were written for. */
export function checkVersion(found: string): void {
  if (found === REPAIRED_VERSION) return;
  throw new Error(
    `kafkajs ${found} is installed, and src/platform/kafkajs/ repairs ${REPAIRED_VERSION}: install ${REPAIRED_VERSION}, ` +
      'or compare every file of that directory with the new source of kafkajs, run test/platform/kafkajs, ' +
      'and change REPAIRED_VERSION last',
  );
}

/** A module of kafkajs by its path under `src`; only for the repairs. The caller knows its type. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function internal<T>(path: string): T {
  return need(`kafkajs/src/${path}`) as T;
}

/**
 * Replaces a module of kafkajs before anything loads it.
 * @throws Error if kafkajs itself was loaded first, with the old module in it.
 */
export function replaceInternal<T>(path: string, replacement: (original: T) => T): void {
  if (need.cache[need.resolve('kafkajs/src/index.js')] !== undefined) {
    throw new Error('kafkajs was loaded without its repairs: import it from src/platform/kafkajs/index.ts everywhere');
  }
  const original = internal<T>(path);
  const loaded = need.cache[need.resolve(`kafkajs/src/${path}`)];
  if (loaded === undefined) throw new Error(`kafkajs has no module ${path}`);
  loaded.exports = replacement(original);
}

export function kafkajsVersion(): string {
  return (need('kafkajs/package.json') as { version: string }).version;
}

export function loadKafkajs(): typeof kafkajs {
  return need('kafkajs') as typeof kafkajs;
}
