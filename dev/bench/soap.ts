import { openConaxClient } from '../../src/conax-checks/open-client.ts';
import type { Command } from '../../src/planning/command.ts';
import { callsPerSecond, openBareHttp } from './bare-http.ts';
import { loadLine, median, type Report } from './report.ts';
import { openSite } from './site.ts';

const CONNECTIONS = 16;
const ROUNDS = 5;
const ROUND_MS = 3_000;
const COMMAND: Command = {
  type: 'ADD_SUBSCRIPTIONS',
  smartcard: '00000000001',
  service: { caId: '101', distributor: null },
};

/** SOAP calls of the real client against the same bytes sent bare, in turns, to the same instant simulator. */
export async function soap(report: Report): Promise<void> {
  const site = await openSite(report, { parts: ['postgres'] });
  try {
    const simulator = await site.startSimulator();
    const conax = await openConaxClient({ baseUrl: simulator.url, timeoutMs: 10_000, maxConnections: CONNECTIONS });
    const bare = await openBareHttp(simulator.url, COMMAND, CONNECTIONS);
    let accepted = 0;
    let others = 0;
    const real = async (): Promise<void> => {
      const { answer } = await conax.call({ command: COMMAND, requestNumber: 1 });
      if (answer.kind === 'accepted') accepted += 1;
      else others += 1;
    };
    await callsPerSecond(CONNECTIONS, 1_000, real);
    await callsPerSecond(CONNECTIONS, 1_000, () => bare.call());
    const rates: { bare: Measured; real: Measured }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      rates.push({ bare: await measure(() => bare.call()), real: await measure(real) });
    }
    await Promise.all([bare.close(), conax.close()]);
    const bareRate = median(rates.map((round) => round.bare.perSecond));
    const realRate = median(rates.map((round) => round.real.perSecond));
    const ratio = median(rates.map((round) => round.real.perSecond / round.bare.perSecond));
    const [bareCpu, realCpu] = [rates.map((r) => r.bare.cpuMs), rates.map((r) => r.real.cpuMs)].map(median);
    report.line(
      `SOAP ${Math.round(realRate)} calls/s, ${realCpu?.toFixed(3)} ms of CPU each; bare ${Math.round(bareRate)}/s, ` +
        `${bareCpu?.toFixed(3)} ms; ratio of the rates ${ratio.toFixed(2)} (${ROUNDS} rounds in turns, medians; ` +
        `${CONNECTIONS} at once); ${loadLine()}`,
    );
    report.check('every call is accepted', others === 0 && accepted > 0, `${accepted} accepted, ${others} not`);
    report.check('at least 0.5 of the bare exchange', ratio >= 0.5, `${ratio.toFixed(2)}, aim 0.7`);
  } finally {
    await site.close();
  }
}

interface Measured {
  readonly perSecond: number;
  readonly cpuMs: number;
}

async function measure(call: () => Promise<void>): Promise<Measured> {
  const before = process.cpuUsage();
  const begunAt = performance.now();
  const perSecond = await callsPerSecond(CONNECTIONS, ROUND_MS, call);
  const calls = (perSecond * (performance.now() - begunAt)) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { perSecond, cpuMs: (user + system) / 1000 / calls };
}
