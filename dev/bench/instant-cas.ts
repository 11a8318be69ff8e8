import { randomUUID } from 'node:crypto';
import { Registry } from '@prometheus-io/client';
import type { ConaxClient } from '../../src/conax/client.types.ts';
import { type Dispatcher, startDispatcher } from '../../src/dispatch/dispatcher.ts';
import { dispatchMetrics } from '../../src/dispatch/metrics.ts';
import { recordOutcomes } from '../../src/outcomes/record.ts';
import type { Database } from '../../src/platform/database.ts';
import { createLogger } from '../../src/platform/logging.ts';

export const SAMPLE_BODY = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">${'x'.repeat(430)}</soap:Envelope>`;

/** A dispatcher with a CAS that answers at once, inside the process. */
export function dispatchToInstantCas(db: Database, slots: number): Dispatcher {
  return startDispatcher({
    db,
    databaseUrl: null,
    conax: instantCas(),
    finishing: { recordOutcomes },
    unsealPin: () => '',
    logger: createLogger('error'),
    metrics: dispatchMetrics(new Registry()),
    maxConcurrency: slots,
    maxRequestsPerSecond: 100_000,
    bulkShare: 0.2,
    cancelPatienceMs: 900_000,
    callTimeoutMs: 10_000,
    leaseMs: 30_000,
    backOff: { minMs: 250, maxMs: 5_000 },
    breaker: { failures: 10, openMs: 1_000, maxOpenMs: 5_000 },
    drainMs: 30_000,
  });
}

function instantCas(): ConaxClient {
  return {
    call: ({ command }) =>
      Promise.resolve({
        answer: { kind: 'accepted', referenceNumber: randomUUID(), activeServices: null, pairing: null },
        command: command.type,
        operation: 'AddSubscriptions',
        url: 'http://127.0.0.1/authorization',
        requestBody: SAMPLE_BODY,
        responseBody: SAMPLE_BODY,
        httpStatus: 200,
        startedAt: Date.now(),
        durationMs: 1,
      }),
    close: () => Promise.resolve(),
  };
}
