import { defineConfig } from 'vitest/config';
import suite from './vitest.config.ts';

/** The long fault tests, `npm run test:faults`: kills at every named place, and outages of every neighbour under load. */
export default defineConfig({
  test: {
    ...suite.test,
    include: ['test/crash/**/*.test.ts', 'test/outages/**/*.test.ts'],
    exclude: [],
    maxWorkers: 1,
  },
});
