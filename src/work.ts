import type { Registry } from '@prometheus-io/client';
import type { Kafka } from 'kafkajs';
import { startClock } from './clock.ts';
import type { ConaxClient } from './conax/client.types.ts';
import { startDispatcher } from './dispatch/dispatcher.ts';
import type { FindWriterSchema } from './events/decode.ts';
import { startIntake } from './intake/intake.ts';
import { EVENT_SOURCE } from './outcomes/encode.ts';
import { topicsKeptTooLong } from './features/retention/kafka-memory.ts';
import { startDueSchedules } from './features/schedules/starts.ts';
import { startRetention } from './features/retention/service.ts';
import { startOutcomes } from './outcomes/outcomes.ts';
import { recordOutcomes } from './outcomes/record.ts';
import type { Database } from './platform/database.ts';
import type { Logger } from './platform/logging.ts';
import type { SchemaRegistryClient } from './platform/schema-registry.ts';
import type { Tracing } from './platform/tracing.ts';
import { missingSeal, type Seal } from './platform/seal.ts';
import { plan } from './planning/plan.ts';
import type { PlanningRules } from './planning/types.ts';
import { watchBacklog } from './features/overview/backlog.ts';
import { lookForHolders } from './features/overview/vacuum-holders.ts';
import { startReporting } from './features/overview/report.ts';
import { reportedState } from './health.ts';
import type { ServiceMetrics } from './metrics.ts';
import { startReplayHost } from './features/replay/host.ts';
import { startRunWorker } from './features/runs/worker.ts';
import { retentionDaysOf, type ServiceSettings } from './settings.ts';

export type Work = ReturnType<typeof startWork>;

interface WorkParts {
  readonly settings: ServiceSettings;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly metrics: ServiceMetrics;
  readonly conax: ConaxClient;
  readonly kafka: Kafka;
  readonly schemas: SchemaRegistryClient;
  readonly findWriterSchema: FindWriterSchema;
  readonly rules: PlanningRules;
  readonly seal: Seal | null;
  readonly tracing: Tracing | null;
  readonly database: Database;
  readonly dispatchDatabase: Database;
  readonly replayDatabase: Database;
}

/** Starts everything that reads, sends or publishes by itself. */
export function startWork({ settings, logger, registry, metrics, conax, kafka, schemas, ...parts }: WorkParts) {
  const { findWriterSchema, rules, tracing, database, dispatchDatabase, replayDatabase } = parts;
  const seal = parts.seal ?? missingSeal('PIN_KEY_FILE');
  const outcomes = startOutcomes({
    kafka,
    database,
    registry: schemas,
    outcomeTopic: settings.OUTCOME_TOPIC,
    actionOutcomeTopic: settings.ACTION_OUTCOME_TOPIC,
    deadLetterTopic: settings.DEAD_LETTER_TOPIC,
    source: EVENT_SOURCE,
    metrics: metrics.outcomes,
    tracing,
    logger: logger.child({ part: 'outcomes' }),
  });
  const dispatcher = startDispatcher({
    db: dispatchDatabase,
    databaseUrl: settings.DATABASE_URL,
    conax,
    finishing: { recordOutcomes },
    unsealPin: (sealed) => seal.unseal(sealed),
    maxConcurrency: settings.CONAX_MAX_CONCURRENCY,
    maxRequestsPerSecond: settings.CONAX_MAX_REQUESTS_PER_SECOND,
    bulkShare: settings.BULK_SHARE,
    cancelPatienceMs: settings.CANCEL_PATIENCE_MS,
    callTimeoutMs: settings.CONAX_TIMEOUT_MS,
    leaseMs: settings.LEASE_MS,
    backOff: { minMs: settings.RETRY_BACKOFF_MIN_MS, maxMs: settings.RETRY_BACKOFF_MAX_MS },
    breaker: {
      failures: settings.BREAKER_FAILURES,
      openMs: settings.BREAKER_OPEN_MS,
      maxOpenMs: settings.BREAKER_MAX_OPEN_MS,
    },
    drainMs: settings.SHUTDOWN_TIMEOUT_MS,
    onSettled: () => outcomes.wake(),
    metrics: metrics.dispatch,
    tracing,
    logger: logger.child({ part: 'dispatch' }),
  });
  const clock = startClock({
    db: dispatchDatabase,
    dispatcher,
    metrics: metrics.clock,
    logger: logger.child({ part: 'clock' }),
  });
  const intake = startIntake({
    kafka,
    groupId: settings.KAFKA_GROUP_ID,
    topics: settings.CRM_TOPICS,
    sessionTimeoutMs: settings.KAFKA_SESSION_TIMEOUT_MS,
    offsetLost: settings.KAFKA_OFFSET_LOST,
    stalledMs: settings.KAFKA_STALLED_MS,
    database,
    databaseUrl: settings.DATABASE_URL,
    schemas,
    plan,
    rules,
    stalePolicy: settings.STALE_POLICY,
    facetWaitMs: settings.ACTION_FACET_WAIT_MS,
    bulkExecutedBy: new Set(settings.BULK_EXECUTED_BY),
    metrics: metrics.intake,
    tracing,
    logger: logger.child({ part: 'intake' }),
    onOutbox: () => outcomes.wake(),
  });

  const retention = startRetention({
    db: database,
    days: retentionDaysOf(settings),
    archive: settings.RETENTION_ARCHIVE_DIR ?? null,
    topicsKeptTooLong: () => topicsKeptTooLong(kafka, settings.CRM_TOPICS, settings.RETENTION_EVENTS_DAYS),
    metrics: metrics.retention,
    logger: logger.child({ part: 'retention' }),
  });

  const runsLogger = logger.child({ part: 'runs' });
  const runs = startRunWorker({
    db: database,
    context: { rules },
    startDue: () => startDueSchedules(database, { rules }, runsLogger),
    recordOutcomes,
    window: settings.RUN_WINDOW,
    perSecond: settings.RUN_REQUESTS_PER_SECOND,
    metrics: metrics.runs,
    logger: runsLogger,
  });

  const replays = startReplayHost({
    db: replayDatabase,
    reading: { kafka, findWriterSchema },
    publishing: { ...settings, kafka, registry: schemas },
    evaluation: { plan, rules, stalePolicy: settings.STALE_POLICY },
    facetWaitMs: settings.ACTION_FACET_WAIT_MS,
    metrics: metrics.replays,
    logger: logger.child({ part: 'replays' }),
    onOutbox: () => outcomes.wake(),
  });
  const reporting = startReporting({
    db: database,
    id: dispatcher.instance,
    parts: () => reportedState({ intake, dispatcher, outcomes, clock }),
    registry,
    logger: logger.child({ part: 'overview' }),
  });
  const backlog = watchBacklog({
    db: database,
    metrics: metrics.backlog,
    logger: logger.child({ part: 'metrics' }),
    andThen: lookForHolders({
      db: database,
      instance: dispatcher.instance,
      metrics: metrics.holders,
      logger: logger.child({ part: 'database' }),
    }),
  });
  return { outcomes, dispatcher, clock, intake, retention, runs, replays, reporting, backlog };
}
