import { Registry } from '@prometheus-io/client';
import { openConaxClient } from './conax-checks/open-client.ts';
import { soapOpinionsApart } from './conax-tools/soap-opinion.ts';
import { answerWarnings } from './conax-tools/answer-warnings.ts';
import { casDefinitionOf, conaxOptionsOf, kafkaOf, registryOf, reportSurplus, tracingOf } from './connections.ts';
import type { FindWriterSchema } from './events/decode.ts';
import { type Database, type DatabaseOptions, openDatabase } from './platform/database.ts';
import { type HttpServer, startHttpServer } from './platform/http.ts';
import type { Logger } from './platform/logging.ts';
import { DISPATCH_PLANNER, indexWalking } from './platform/planner-settings.ts';
import { createSeal } from './platform/seal.ts';
import { createFinalWatch } from './requests/await-final.ts';
import { databaseState, untilFit, workState } from './health.ts';
import { registerConsole } from './http/console-files.ts';
import { answerBadAddress, refusalOf } from './http/error-answers.ts';
import { registerApis, type RunningApis } from './http/server.ts';
import { serviceMetrics } from './metrics.ts';
import { webApi } from './web-api/api.ts';
import { operationsApi } from './operations-api/calls.ts';
import { managementAddressOf, ownTopics, planningRulesOf, type ServiceSettings } from './settings.ts';
import { startWork, type Work } from './work.ts';

export interface Service {
  /** Address of the HTTP server, which answers from the first moment on. */
  readonly url: string;
  /** Address of health, metrics and documents; the same without MANAGEMENT_HOST and MANAGEMENT_PORT. */
  readonly managementUrl: string;
  /**
   * Resolves once events are read and commands sent, which a database that is away delays.
   * @throws UnfitDatabaseError if the service must not work with the database, or the error of one that refuses it.
   */
  readonly started: Promise<void>;
  /** Finishes or gives back what is under way, within SHUTDOWN_TIMEOUT_MS, and closes all. Safe to call twice. */
  stop(): Promise<void>;
}

/** A caller waits. It is better to ask it to come back soon than to hold one of the few connections for a lock. */
const WEB_API_STATEMENT_MS = 10_000;
const WEB_API_LOCK_MS = 5_000;
/** How long a stop waits at most for a collector that hangs. */
const LAST_SPANS_MS = 2_000;

/**
 * Starts the service: settings to parts, each with what it needs of the others. First the HTTP server, which reports the
 * readiness, then the checks of the database, and then what reads and sends. Kafka, the registry, PostgreSQL and the CAS
 * may be away: the parts wait for them and report it.
 * @throws Error if conax.json, templates and WSDLs do not fit, or the HTTP port is taken.
 */
export async function startService(settings: ServiceSettings, logger: Logger): Promise<Service> {
  const registry = new Registry();
  const metrics = serviceMetrics(registry, {
    revision: settings.BUILD_REVISION,
    pools: () => ({
      main: database,
      dispatch: dispatchDatabase,
      'web-api': webApiDatabase,
      replays: replayDatabase,
    }),
    parts: () => workState(work),
  });
  const tracing = await tracingOf(settings, metrics.traces, logger);
  const conaxLogger = logger.child({ part: 'conax' });
  const definition = await casDefinitionOf(settings);
  const conax = await openConaxClient({
    ...conaxOptionsOf(settings),
    definition,
    maxConnections: settings.CONAX_MAX_CONCURRENCY,
    keepAlive: settings.CONAX_KEEP_ALIVE,
    onWarning: (warning) => conaxLogger.warn(warning),
    onSurplus: reportSurplus(metrics.surplus, conaxLogger),
  });
  const database = openPool('conax-provisioning', { share: 5 / 16, settings: indexWalking({ joinByIndex: true }) });
  const dispatchDatabase = openPool('conax-provisioning dispatch', { share: 3 / 8, settings: DISPATCH_PLANNER });
  // Without the planner settings of the others: its reads are of many kinds.
  const webApiDatabase = openPool('conax-provisioning web-api', {
    share: 1 / 4,
    statementTimeoutMs: WEB_API_STATEMENT_MS,
    lockTimeoutMs: WEB_API_LOCK_MS,
    // What only reads is answered by a standby too.
    acceptReadOnly: true,
  });
  // Replays select in many ways too, each statement planned for its values; and they are to keep nobody else waiting.
  const replayDatabase = openPool('conax-provisioning replays', { share: 1 / 8, prepared: false });
  const pools = { database, dispatchDatabase, webApiDatabase, replayDatabase };
  const kafka = kafkaOf(settings, logger);
  const schemas = registryOf(settings);
  const findWriterSchema: FindWriterSchema = (id) => schemas.findWriterSchema(id);

  const rules = planningRulesOf(settings);
  const seal = settings.PIN_KEY === undefined ? null : createSeal(settings.PIN_KEY);
  const finalWatch = createFinalWatch({
    databaseUrl: settings.DATABASE_URL,
    db: webApiDatabase,
    logger: logger.child({ part: 'web-api' }),
  });
  const webApiParts = {
    db: webApiDatabase,
    finalWatch,
    seal,
    pinKey: settings.PIN_KEY,
    patterns: {
      smartcard: rules.smartcardPattern,
      setTopBox: rules.setTopBoxPattern,
      service: rules.servicePattern,
      pin: settings.PIN_PATTERN,
    },
    tokenIdleMs: settings.WEB_API_TOKEN_IDLE_MS,
    immediateTimeoutMs: settings.WEB_API_IMMEDIATE_TIMEOUT_MS,
    logger: logger.child({ part: 'web-api' }),
  };
  const serverParts = {
    db: webApiDatabase,
    metrics: metrics.webApi,
    logger: webApiParts.logger,
    drainMs: settings.SHUTDOWN_TIMEOUT_MS,
    starting: () => work === undefined,
    tracing,
  };
  const operationsParts = {
    rules,
    stalePolicy: settings.STALE_POLICY,
    facetWaitMs: settings.ACTION_FACET_WAIT_MS,
    findWriterSchema,
    ownTopics: ownTopics(settings),
  };
  let apis: RunningApis | undefined;

  /** What reads and sends; undefined while the service waits for a database that it may work with. */
  let work: Work | undefined;
  const stopped = new AbortController();
  const reportOpinions = async (): Promise<void> => {
    const commands = Object.values(definition.commands);
    for (const opinion of [...answerWarnings(commands), ...(await soapOpinionsApart(commands))])
      conaxLogger.warn(opinion);
  };
  const starting = async (): Promise<void> => {
    await untilFit(settings.DATABASE_URL, database, seal, logger, stopped.signal);
    if (stopped.signal.aborted) return;
    work = startWork({
      settings,
      logger,
      registry,
      metrics,
      conax,
      kafka,
      schemas,
      findWriterSchema,
      rules,
      seal,
      tracing,
      ...pools,
    });
    logger.info('the service has started');
    // Awaited by nobody: it only warns (decision 0007).
    void reportOpinions();
  };

  // Those that bring work stop before those that do it, and the connections last.
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= stopAll());
  const stopAll = async (): Promise<void> => {
    const until = performance.now() + settings.SHUTDOWN_TIMEOUT_MS;
    stopped.abort();
    await started?.catch(() => {});
    const { intake, runs, replays, retention, dispatcher, clock, outcomes, reporting, backlog } = work ?? {};
    await Promise.all([intake?.stop(), apis?.stop(), runs?.stop(), replays?.stop(), retention?.stop()]);
    await finalWatch.stop();
    await dispatcher?.stop();
    await clock?.stop();
    await outcomes?.stop();
    await Promise.all([reporting?.stop(), backlog?.stop()]);
    await http?.close();
    await conax.close();
    await Promise.all(Object.values(pools).map((pool) => pool.close()));
    await tracing?.close(Math.min(LAST_SPANS_MS, Math.max(0, until - performance.now())));
  };
  let http: HttpServer | undefined;
  let started: Promise<void> | undefined;
  try {
    http = await startHttpServer({
      host: settings.HTTP_HOST,
      port: settings.HTTP_PORT,
      registry,
      count: metrics.refused,
      logger,
      management: managementAddressOf(settings),
      edge: { refusalOf, answerBadAddress },
      limits: { connectionsMax: settings.HTTP_MAX_CONNECTIONS },
      register: async (app, management) => {
        const served = [webApi(webApiParts), operationsApi({ ...webApiParts, ...operationsParts })];
        // First: with a management address of its own, no route can be added after the APIs.
        if (!(await registerConsole(app))) logger.warn('the web console is not built (docs/console.md)');
        apis = await registerApis(app, serverParts, served, management);
      },
      parts: async () => [await databaseState(database, seal), ...workState(work)],
    });
  } catch (error) {
    await stop();
    throw error;
  }
  started = starting();
  // Who does not wait for it learns it from the readiness.
  started.catch(() => {});
  return { url: http.url, managementUrl: http.managementUrl, started, stop };

  function openPool(
    applicationName: string,
    { share, ...more }: { share: number } & Partial<DatabaseOptions>,
  ): Database {
    return openDatabase({
      prepared: true,
      ...more,
      url: settings.DATABASE_URL,
      maxConnections: Math.floor(settings.DATABASE_MAX_CONNECTIONS * share),
      applicationName,
      // Also the longest wait for a connection of a stuck pool: the waiting part reports it and tries again.
      connectTimeoutMs: 4_000,
      onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke while idle'),
    });
  }
}
