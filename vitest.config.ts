import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes long, and sensitive to other load: `npm run test:faults` runs them. The chart needs Helm: `npm run test:helm`.
    exclude: ['test/crash/**', 'test/outages/**', 'test/deploy/helm/**'],
    globalSetup: ['test/support/global-setup.ts'],
    // Child processes, not threads: tests kill, are killed, and start programs of their own.
    pool: 'forks',
    maxWorkers: 2,
    // kafkajs 2.2 computes a negative pause, which Node mentions and takes as none.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Long enough to stop the local stack cleanly.
    teardownTimeout: 30_000,
    // The second one for .ci/run, which counts.
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/conax-provisioning/test-results.json' }]],
  },
});
