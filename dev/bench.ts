/**
 * `npm run bench -- <what>`: how much the service does, on this machine, against its bare floors; each command checks its
 * own result and ends with exit code 0 only if everything holds. The figures of docs/benchmarks.md come from here.
 */
import { Command } from 'commander';
import { createReport, machineLine, type Report } from './bench/report.ts';
import { claim } from './bench/claim-run.ts';
import { consoles, type ConsoleOptions } from './bench/console.ts';
import { dispatch } from './bench/dispatch.ts';
import { growth, type GrowthOptions } from './bench/growth.ts';
import { idle } from './bench/idle.ts';
import { importLines } from './bench/import.ts';
import { intake } from './bench/intake.ts';
import { list } from './bench/list.ts';
import { plain, type PlainOptions } from './bench/plain.ts';
import { replayPlan } from './bench/replay-plan.ts';
import { reconcile } from './bench/reconcile.ts';
import { restart } from './bench/restart.ts';
import { runs, type RunsOptions } from './bench/runs.ts';
import { retention } from './bench/retention.ts';
import { closeSites } from './bench/site.ts';
import { slowCas } from './bench/slow-cas.ts';
import { soap } from './bench/soap.ts';
import { storm, type StormOptions } from './bench/storm.ts';
import { volume } from './bench/volume.ts';
import { webApi } from './bench/web-api.ts';
import { explain } from './bench/why.ts';
import { explainCases } from './bench/why-desk.ts';

const MINUTE_MS = 60_000;
let leaving = false;

const program = new Command('bench').description('measures the service against its bare floors');

interface Options {
  readonly events: number;
  readonly subscriptions: number;
  readonly seed: number;
  readonly together: boolean;
  readonly profile: boolean;
  readonly minutes: number;
}

program
  .command('volume')
  .description('many events through everything, with an instant CAS, counted at the other end; then all of them again')
  .option('--events <n>', 'events, at least', whole, 100_000)
  .option('--subscriptions <n>', 'subscriptions', whole, 20_000)
  .option('--seed <n>', 'of the histories', whole, 1)
  .option('--together', 'all stages at once instead of one after the other', false)
  .option('--profile', 'CPU profile and statements of each stage', false)
  .option('--minutes <n>', 'how long it may take; more on a machine that is busy with other things', whole, 6)
  .action((options: Options) =>
    measured('volume', options.minutes * MINUTE_MS, (report) =>
      volume(report, { ...options, profiled: options.profile }),
    ),
  );

program
  .command('plain')
  .description('the whole service against plain ones that are written with the same packages, in turns')
  .option('--events <n>', 'events of new subscribers, one command each', whole, 20_000)
  .option('--rounds <n>', 'turns of each service', whole, 3)
  .option('--cas-ms <n>', 'a turn with a CAS that takes n ms a call, too; 0: none', Number, 20)
  .option('--tracing', 'only our service, with and without tracing of every event', false)
  .option('--profile', 'CPU profile and statements of our service; slower', false)
  .action((options: Omit<PlainOptions, 'profiled'> & { profile: boolean }) =>
    measured('plain', 20 * MINUTE_MS, (report) => plain(report, { ...options, profiled: options.profile })),
  );

program
  .command('console')
  .description('the service with and without open web consoles, in turns; the size and speed of the first page')
  .option('--events <n>', 'events of new subscribers in each turn', whole, 12_000)
  .option('--rounds <n>', 'turns of each kind', whole, 3)
  .option('--consoles <n>', 'open consoles', whole, 50)
  .action((options: ConsoleOptions) => measured('console', 10 * MINUTE_MS, (report) => consoles(report, options)));

program
  .command('slow-cas')
  .description('a CAS that takes 50 ms a call, 32 at once, beside one long queue and many cards in back-off')
  .option('--seconds <n>', 'how long it is measured', whole, 20)
  .option('--profile', 'CPU profile and statements', false)
  .action(({ seconds, profile }: { seconds: number; profile: boolean }) =>
    measured('slow-cas', 2 * MINUTE_MS, (report) => slowCas(report, { seconds, profiled: profile })),
  );

program
  .command('storm')
  .description('customers at the counter while the commands of a billing run wait, at a CAS of 50 calls a second')
  .option('--cancels <n>', 'CANCELs of the billing run', whole, 100_000)
  .option('--adds <n>', 'ADDs of the billing run', whole, 20_000)
  .option('--seconds <n>', 'how long it is measured before the rush', whole, 120)
  .option('--instances <n>', 'instances of the service', whole, 1)
  .option('--kill-every <n>', 'kill an instance every n seconds; 0: never', Number, 0)
  .action((options: StormOptions) => measured('storm', 15 * MINUTE_MS, (report) => storm(report, options)));

program
  .command('idle')
  .description('one event at a time, from producing it to consuming its outcomes, against a bare round trip')
  .option('--events <n>', 'events', whole, 300)
  .option('--distance-ms <n>', 'how far away the database is', Number, 0)
  .action((options: { events: number; distanceMs: number }) =>
    measured('idle', 2 * MINUTE_MS, (report) => idle(report, options)),
  );

program
  .command('restart')
  .description('a rolling restart of two instances and the crash of one: how long partitions stand still')
  .action(() => measured('restart', 3 * MINUTE_MS, restart));

program
  .command('intake')
  .description('decoding, planning and writing events, against writing the same rows alone')
  .option('--events <n>', 'events, at least', whole, 20_000)
  .option('--subscriptions <n>', 'subscriptions', whole, 4_000)
  .option('--analysed', 'after a VACUUM ANALYZE of the empty tables', false)
  .action((options: { events: number; subscriptions: number; analysed: boolean }) =>
    measured('intake', 2 * MINUTE_MS, (report) => intake(report, options)),
  );

program
  .command('growth')
  .description('what a command and an event cost PostgreSQL in a small and in a large database')
  .option('--pending <n>', 'requests that wait in the large one', whole, 1_000_000)
  .option('--history <n>', 'final requests of the large one, seven rows each', Number, 0)
  .option('--statistics', 'compare statistics of full and empty tables, and none, instead of sizes', false)
  .option('--rounds <n>', 'turns of each', whole, 3)
  .option('--items <n>', 'commands and events of a turn', whole, 4_000)
  .action((options: GrowthOptions) => measured('growth', 30 * MINUTE_MS, (report) => growth(report, options)));

program
  .command('replay-plan')
  .description('the plan of a replay of a big inbox: events a second, memory, and that it names exactly what differs')
  .option('--events <n>', 'events', whole, 1_000_000)
  .action((options: { events: number }) =>
    measured('replay-plan', 60 * MINUTE_MS, (report) => replayPlan(report, options)),
  );

program
  .command('dispatch')
  .description('claiming and finishing requests of an instant CAS, against a bare queue')
  .option('--requests <n>', 'requests', whole, 30_000)
  .option('--distance-ms <n>', 'measure it with the database this far away, too', Number, 0)
  .option('--analysed', 'after a VACUUM ANALYZE of queues with one row', false)
  .action((options: { requests: number; distanceMs: number; analysed: boolean }) =>
    measured('dispatch', 2 * MINUTE_MS, (report) => dispatch(report, options)),
  );

program
  .command('soap')
  .description('SOAP calls against the same bytes sent bare')
  .action(() => measured('soap', 2 * MINUTE_MS, soap));

program
  .command('claim')
  .description('claim and completion alone against a bare queue, by batch size')
  .option('--backlog <n>', 'pending requests, not fewer than are claimed meanwhile', whole, 400_000)
  .action((options: { backlog: number }) => measured('claim', 4 * MINUTE_MS, (report) => claim(report, options)));

program
  .command('why')
  .description('what `why` takes without the CAS on a big table, beside the bare look-ups of a card')
  .option('--requests <n>', 'requests in the table, and twice as many events', whole, 5_000_000)
  .action((options: { requests: number }) => measured('why', 40 * MINUTE_MS, (report) => explain(report, options)));

program
  .command('why-desk')
  .description('the eight cases of the support desk, without the CAS, with it, and while it does not answer')
  .option('--waiting <n>', 'requests of other cards that wait', whole, 100_000)
  .action((options: { waiting: number }) =>
    measured('why-desk', 20 * MINUTE_MS, (report) => explainCases(report, options)),
  );

program
  .command('list')
  .description('pages of the lists of requests, on a table of millions')
  .option('--requests <n>', 'requests', whole, 5_000_000)
  .action((options: { requests: number }) => measured('list', 20 * MINUTE_MS, (report) => list(report, options)));

program
  .command('import')
  .description('subscriptions from JSON lines into an empty database, then the same file again')
  .option('--lines <n>', 'lines', whole, 1_000_000)
  .action((options: { lines: number }) => measured('import', 30 * MINUTE_MS, (report) => importLines(report, options)));

program
  .command('web-api')
  .description('the Web API with many clients at once, half reading and half writing, against a bare fastify route')
  .option('--seconds <n>', 'how long it is measured', whole, 60)
  .option('--clients <n>', 'clients, an even number', whole, 200)
  .action((options: { seconds: number; clients: number }) =>
    measured('web-api', 2 * options.seconds * 1000 + 5 * MINUTE_MS, (report) => webApi(report, options)),
  );

program
  .command('retention')
  .description('removing and archiving a million old rows, beside the dispatcher and alone')
  .option('--rows <n>', 'old requests, each with event, action, attempt and outcome; a multiple of 5', whole, 200_000)
  .option('--seconds <n>', 'how long each of the eight turns is measured', whole, 10)
  .action((options: { rows: number; seconds: number }) =>
    measured('retention', 40 * MINUTE_MS, (report) => retention(report, options)),
  );

program
  .command('runs')
  .description(
    'how long triggers take beside a message run to many cards, which is stopped and resumed, and without it',
  )
  .option('--cards <n>', 'cards of the run', whole, 50_000)
  .option('--events <n>', 'events beside the run, and as many without it', whole, 5_000)
  .option('--events-per-second <n>', 'how fast they arrive', whole, 20)
  .option('--cards-per-second <n>', 'how fast the run is', whole, 100)
  .option('--profile', 'CPU profile and statements of the time beside the run', false)
  .action((options: Omit<RunsOptions, 'profiled'> & { profile: boolean }) =>
    measured('runs', 30 * MINUTE_MS, (report) => runs(report, { ...options, profiled: options.profile })),
  );

program
  .command('reconcile')
  .description('a reconcile of many cards, killed in the middle and gone on with, with exact counts; then its fix')
  .option('--cards <n>', 'smart cards, at least 1,000', whole, 100_000)
  .action((options: { cards: number }) =>
    measured('reconcile', 30 * MINUTE_MS, (report) => reconcile(report, options)),
  );

program
  .command('all')
  .description('all of them, one after the other, with their defaults')
  .action(async () => {
    for (const command of program.commands.filter((one) => one.name() !== 'all'))
      await command.parseAsync([], { from: 'user' });
  });

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => leave(130));
}
await program.parseAsync();

/** Stops everything in the middle of whatever goes on, removes the data, and ends. */
function leave(exitCode: number): void {
  leaving = true;
  void closeSites().finally(() => process.exit(exitCode));
}

/** Runs a benchmark within its time. Servers and programs that it started do not outlive this process. */
async function measured(name: string, deadlineMs: number, work: (report: Report) => Promise<void>): Promise<void> {
  const report = createReport();
  report.line(`bench ${name}: ${machineLine()}`);
  const begunAt = performance.now();
  const timer = setTimeout(() => {
    console.error(`bench ${name} took longer than ${deadlineMs / 1000} s`);
    leave(2);
  }, deadlineMs);
  await work(report).catch((error: unknown) => {
    // What is closed under its hands complains, and nobody wants to know.
    if (leaving) return new Promise<never>(() => {});
    throw error;
  });
  clearTimeout(timer);
  const seconds = ((performance.now() - begunAt) / 1000).toFixed(0);
  report.line(
    `bench ${name}: ${report.failed === 0 ? 'everything holds' : `${report.failed} checks fail`}, ${seconds} s\n`,
  );
  if (report.failed > 0) process.exitCode = 1;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is not a whole number from 1: write one`);
  return value;
}
