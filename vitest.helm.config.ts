import { defineConfig } from 'vitest/config';

/** The chart under the real Helm, `npm run test:helm`: fetches 90 MB once, so it is not part of `npm test`. */
export default defineConfig({ test: { include: ['test/deploy/helm/**/*.test.ts'], testTimeout: 300_000 } });
