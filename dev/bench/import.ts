import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { loadLine, median, type Report } from './report.ts';
import { openSite, type Site } from './site.ts';
import { residentMb } from './processes.ts';

/** What one run of the command came to. */
interface Run {
  readonly seconds: number;
  readonly counts: {
    readonly lines: number;
    readonly added: number;
    readonly known: number;
    readonly rejected: number;
  };
  /** Resident megabytes, as sampled at each of its progress lines. */
  readonly residentMb: readonly number[];
  readonly peakMb: number;
}

/** One line in so many is no subscription. */
const BAD_EVERY = 100_000;

/** `import` of made-up subscriptions into an empty database, then the same file again. */
export async function importLines(report: Report, { lines }: { lines: number }): Promise<void> {
  const site = await openSite(report, { parts: ['postgres'] });
  try {
    const file = join(site.output, 'data', 'subscriptions.jsonl');
    const bad = await writeSubscriptions(file, lines);
    const first = await run(site, file);
    tell(report, 'first import', first);
    const again = await run(site, file);
    tell(report, 'the same again', again);
    const [row] = await site.db.query<{ subscriptions: number; cards: number }>(
      'select (select count(*) from subscription) as subscriptions, (select count(*) from subscription_card) as cards',
    );
    const good = lines - bad;
    report.check('every good line is known', row?.subscriptions === good && row.cards === good, JSON.stringify(row));
    report.check('every bad line is rejected', first.counts.rejected === bad, `${first.counts.rejected} of ${bad}`);
    report.check('the second import changes nothing', again.counts.known === good, `${again.counts.known} known`);
    const half = Math.floor(first.residentMb.length / 2);
    const [early, late] = [median(first.residentMb.slice(0, half)), median(first.residentMb.slice(half))];
    report.check(
      'memory stays flat',
      late <= early * 1.25 + 20,
      `${early} MB in the first half, ${late} MB in the second`,
    );
  } finally {
    await site.close();
  }
}

/** Six services, a card and a set-top box each, some 1,100 bytes. */
async function writeSubscriptions(file: string, lines: number): Promise<number> {
  const out = createWriteStream(file, { highWaterMark: 1 << 20 });
  let bad = 0;
  for (let index = 0; index < lines; index += 1) {
    const card = String(20_000_000_000 + index);
    const isBad = index % BAD_EVERY === BAD_EVERY - 1;
    if (isBad) bad += 1;
    const record = {
      id: `id-${index}`,
      number: `S${String(index).padStart(10, '0')}`,
      version: isBad ? 'one' : 1 + (index % 40),
      state: 'EFFECTIVE',
      services: Array.from({ length: 6 }, (_, service) => ({
        id: `${index}-V${service}`,
        productId: `P${service}`,
        productCode: `PACK-${service}`,
        productAlternativeCode: null,
        caId: String(1_000 + service),
        state: service === 5 ? 'REMOVED' : 'EFFECTIVE',
        distributor: null,
      })),
      installedItems: [
        { id: `${index}-C`, serialNumber: `SN-${card}`, kind: 'SMARTCARD', caId: card },
        { id: `${index}-B`, serialNumber: `SN-B${card}`, kind: 'SET_TOP_BOX', caId: `STB-${card}` },
      ],
      pairings: [{ smartcards: [card], setTopBoxes: [`STB-${card}`] }],
    };
    if (!out.write(`${JSON.stringify(record)}\n`)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
  return bad;
}

/** Through a pipe, so that the command sees what an operator's script would give it. */
async function run(site: Site, file: string): Promise<Run> {
  const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
  const rejects = join(site.output, 'data', 'rejects.jsonl');
  const child: ChildProcess = spawn(process.execPath, [cli, 'import', '-', '--json', '--rejects', rejects], {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: site.databaseUrl },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { pid = 0, stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error('The import has no pipes');
  const resident: number[] = [];
  let peakMb = 0;
  createInterface({ input: stderr }).on('line', () => {
    resident.push(residentMb(pid));
    peakMb = Math.max(peakMb, peakOf(pid));
  });
  let printed = '';
  stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  createReadStream(file).pipe(stdin);
  await once(child, 'close');
  const { seconds, ...counts } = JSON.parse(printed) as Run['counts'] & { seconds: number };
  return { seconds, counts, residentMb: resident, peakMb };
}

function peakOf(pid: number): number {
  try {
    return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}

function tell(report: Report, what: string, { seconds, counts, peakMb }: Run): void {
  const rate = Math.round(counts.lines / seconds).toLocaleString('en');
  report.line(`${what}: ${counts.lines} lines in ${seconds} s, ${rate} lines/s, peak ${peakMb} MB, ${loadLine()}`);
}
