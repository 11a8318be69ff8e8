/** Builds the web console after `npm ci`, so that a fresh clone needs no extra command; not without the packages for it. */
import { existsSync } from 'node:fs';

if (existsSync('node_modules/vite') && existsSync('console/vite.config.ts')) {
  const { build } = await import('vite');
  await build({ configFile: 'console/vite.config.ts', logLevel: 'warn' });
} else {
  console.log('The web console is not built: that needs the development packages (npm ci without --omit=dev).');
}
