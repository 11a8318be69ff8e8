/**
 * Loaded with `--import` before a program, as if `npm ci --omit=dev` had installed its packages: a package that the lock
 * file has for development only cannot be loaded.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, { dev?: boolean }>;
};
const PACKAGE = /\/(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)/;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const path = PACKAGE.exec(resolved.url)?.[1];
    if (path === undefined || packages[path]?.dev !== true) return resolved;
    throw new Error(`${specifier}, which ${context.parentURL} loads, is a dependency for development only`);
  },
});
