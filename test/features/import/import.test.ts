import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addItem, events } from '../../../dev/demo/crm.ts';
import type { Subscription } from '../../../src/events/crm.generated.ts';
import { linesOf } from '../../../src/platform/lines.ts';
import { readRecord } from '../../../src/features/import/record.ts';
import { type ImportOptions, importSubscriptions, type Reject } from '../../../src/features/import/import.ts';
import { openTestIntake, type TestIntake } from '../../intake/support.ts';
import { type Ran, runCli } from '../../support/cli.ts';
import { household } from '../../support/scene.ts';

let intake: TestIntake;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterAll(() => intake.close());

function record(number: string, card: string, more: object = {}): Subscription {
  return { ...household(number, card, ['1001']), id: `id-${number}`, version: 5, ...more };
}

async function* chunks(text: string, size = 7): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield Promise.resolve(bytes.subarray(at, at + size));
}

async function imported(lines: readonly (object | string)[], options: Partial<ImportOptions> = {}): Promise<object> {
  const rejects: Reject[] = [];
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const {
    rejected,
    lines: _lines,
    bytes: _bytes,
    ...counts
  } = await importSubscriptions(intake.db, chunks(text, 997), {
    fromLine: 1,
    onReject: (reject) => void rejects.push(reject),
    onProgress: () => {},
    ...options,
  });
  expect(rejects).toHaveLength(rejected);
  return { ...counts, rejects: rejects.map(({ line, problems }) => ({ line, problems })) };
}

/** What the service knows of the subscription. */
async function known(number: string): Promise<object | undefined> {
  const [row] = await intake.db.query<{ version: number }>(
    `select version, snapshot, array(select card from subscription_card where subscription_number = number order by card) as cards
     from subscription where number = $1`,
    [number],
  );
  return row;
}

describe('an imported subscription', () => {
  test('is known with its cards; a second import of the same lines changes nothing', async () => {
    const one = record('S1', '00000000001');
    expect(await imported([one])).toEqual({ added: 1, updated: 0, known: 0, rejects: [] });
    const first = await known('S1');
    expect(first).toMatchObject({ version: 5, snapshot: one, cards: ['00000000001'] });
    expect(await imported([one, one])).toEqual({ added: 0, updated: 0, known: 2, rejects: [] });
    expect(await known('S1')).toEqual(first);
  });

  test('never overwrites a newer version that an event brought, and replaces an older one with its cards', async () => {
    const made = household('S2', '00000000002', ['1001']);
    made.version = 7;
    await intake.apply(events(made, [{ action: 'S:BECOME_SUBSCRIBER' }]));
    const version = (await known('S2')) as { version: number };
    expect(await imported([record('S2', '00000000022', { version: version.version - 1 })])).toMatchObject({ known: 1 });
    expect(await known('S2')).toEqual(version);
    expect(await imported([record('S2', '00000000022', { version: version.version + 1 })])).toMatchObject({
      updated: 1,
    });
    expect(await known('S2')).toMatchObject({ version: version.version + 1, cards: ['00000000022'] });
  });

  test('of several lines the highest version counts', async () => {
    const lines = [5, 9, 7].map((version) => record('S3', '00000000003', { version }));
    expect(await imported(lines)).toMatchObject({ added: 1, known: 2 });
    expect(await known('S3')).toMatchObject({ version: 9 });
  });

  test('has the pairing that its line names, so that a card that comes extends it, where another one is paired anew', async () => {
    const pairings = [{ smartcards: ['00000000004'], setTopBoxes: ['STB-00000000004'] }];
    await imported([record('S4', '00000000004', { pairings }), record('S5', '00000000005')]);
    const rows = await intake.db.query(
      `select card, pairing_smartcards as cards, pairing_set_top_boxes as boxes from subscription_card
       where subscription_number in ('S4', 'S5') order by card`,
    );
    expect(rows).toEqual([
      { card: '00000000004', cards: ['00000000004'], boxes: ['STB-00000000004'] },
      { card: '00000000005', cards: null, boxes: null },
    ]);

    for (const [number, card, added] of [
      ['S4', '00000000004', '00000000044'],
      ['S5', '00000000005', '00000000055'],
    ] as const) {
      const subscription = household(number, card, ['1001']);
      subscription.version = 5;
      addItem(subscription, added, 'SMARTCARD', added);
      await intake.apply(events(subscription, [{ action: 'I:ADD_INSTALLED_ITEM', incomingItems: [added] }]));
    }
    const requests = await intake.db.query(
      `select subscription_number as number, type, cards from request where subscription_number in ('S4', 'S5') order by 1`,
    );
    expect(requests).toEqual([
      { number: 'S4', type: 'ADD_TO_EXISTING_PAIRING', cards: ['00000000004', '00000000044'] },
      { number: 'S5', type: 'CREATE_PAIRING', cards: ['00000000005', '00000000055'] },
    ]);
  });

  test('guards the cards that it shares: an event of another subscription does not darken it (R4)', async () => {
    await imported([record('S6', '00000000006')]);
    const other = household('S7', '00000000006', ['1001']);
    await intake.apply(events(other, [{ action: 'S:BECOME_SUBSCRIBER' }]));
    for (const service of other.services) service.state = 'NOT_EFFECTIVE';
    await intake.apply(events(other, [{ action: 'S:DEACTIVATE_SUBSCRIPTION' }]));
    const withheld = await intake.db.query(`select type, reason from withheld where subscription_number = 'S7'`);
    expect(withheld).toContainEqual({ type: 'CANCEL_SUBSCRIPTIONS', reason: 'STILL_ENTITLED' });
  });

  test('sends nothing', async () => {
    expect(await intake.db.query(`select 1 from request where subscription_number in ('S1', 'S3', 'S6')`)).toEqual([]);
  });

  test('meets events of the same customers at the same time without harm: the newest version is known in the end', async () => {
    const numbers = Array.from({ length: 60 }, (_, index) => `T${index}`);
    const lines = numbers.map((number, index) => record(number, `1000000${1000 + index}`, { version: 50 }));
    const made = numbers.map((number, index) => {
      const subscription = household(number, `1000000${1000 + index}`, ['1001']);
      subscription.version = index % 2 === 0 ? 10 : 90;
      return events(subscription, [{ action: 'S:BECOME_SUBSCRIBER' }]);
    });
    await Promise.all([imported(lines), imported(lines.toReversed()), ...made.map((one) => intake.apply(one))]);
    const rows = await intake.db.query<{ number: string; version: number }>(
      `select number, version from subscription where number like 'T%'`,
    );
    expect(rows).toHaveLength(60);
    const wanted = new Map(numbers.map((number, index) => [number, index % 2 === 0 ? 50 : 91]));
    expect(new Map(rows.map(({ number, version }) => [number, version]))).toEqual(wanted);
  });
});

describe('a bad line', () => {
  const service = { id: 'V', productId: 'P', productCode: 'C', state: 'EFFECTIVE' };
  const item = { id: 'I', serialNumber: 'N', kind: 'SMARTCARD', caId: '00000000009' };
  const base = { id: 'ID', number: 'B', version: 1, state: 'EFFECTIVE' };

  test.each<[string | object, string, string, string]>([
    ['{"id":', '', 'is not JSON', 'write one JSON object on each line'],
    ['[]', '', 'is []', 'write one JSON object on each line'],
    [{ ...base, version: undefined }, 'version', 'is missing', 'give the version as a whole number'],
    [{ ...base, version: 1.5 }, 'version', 'is 1.5', 'give the version as a whole number'],
    [{ ...base, version: 2 ** 60 }, 'version', 'is 1152921504606847000', 'give the version as a whole number'],
    [{ ...base, number: ' ' }, 'number', 'is " "', "give the subscription's number, not blanks"],
    [{ ...base, number: 'x\u0000' }, 'number', String.raw`is "x\u0000"`, 'leave out U+0000 and halves of characters'],
    [{ ...base, id: 'x'.repeat(501) }, 'id', `is "${'x'.repeat(59)}…`, 'give at most 500 characters'],
    [{ ...base, services: [{ ...service, state: 'ON' }] }, 'services[0].state', 'is "ON"', 'give one of DRAFT, '],
    [
      { ...base, services: [{ ...service, caID: '1' }] },
      'services[0].caID',
      'is not a field of the record',
      'did you mean caId? leave it out or correct the name',
    ],
    [
      { ...base, services: [service, service] },
      '',
      'subscription.services has the id "V" more than once.',
      'give each its',
    ],
    [{ ...base, installedItems: [{ ...item, caId: 7 }] }, 'installedItems[0].caId', 'is 7', 'give the CA id as text'],
    [
      { ...base, installedItems: [item], pairings: [{ smartcards: ['00000000009'], setTopBoxes: ['STB'] }] },
      'pairings[0].setTopBoxes[0]',
      'is "STB", which is not among the installed items',
      'name devices of this subscription by their CA ids',
    ],
    [
      { ...base, pairings: [{ smartcards: [], setTopBoxes: ['STB'] }] },
      'pairings[0].smartcards',
      'is []',
      'name at least one',
    ],
  ])('is told with field, problem and remedy (%#)', (line, field, problem, remedy) => {
    const [first] = readRecord(typeof line === 'string' ? line : JSON.stringify(line)) as [
      { field: string; problem: string; remedy: string },
    ];
    expect(first.field).toBe(field);
    expect(first.problem).toContain(problem);
    expect(first.remedy).toContain(remedy);
  });

  test('is counted and told, and the others go on', async () => {
    const lines = [record('U1', '00000000011'), 'nonsense', '', record('U2', '00000000012'), { id: 1 }];
    expect(await imported(lines)).toMatchObject({ added: 2, rejects: [{ line: 2 }, { line: 5 }] });
  });

  test('that only the database refuses is found among its batch', async () => {
    await intake.db.query(`alter table subscription add constraint no_u5 check (number <> 'U5')`);
    const lines = ['U3', 'U4', 'U5', 'U6', 'U7'].map((number, index) => record(number, `0000000002${index}`));
    expect(await imported(lines)).toMatchObject({
      added: 4,
      rejects: [{ line: 3, problems: [{ problem: expect.stringContaining('no_u5') as string }] }],
    });
  });

  test('or a stop in between loses nothing: what is done with is committed, and the next line goes on', async () => {
    const lines = Array.from({ length: 1_200 }, (_, index) => record(`Y${index}`, `300000${10_000 + index}`));
    const stop = new AbortController();
    let done = 0;
    const onProgress: ImportOptions['onProgress'] = (progress) => {
      done = progress.lines;
      stop.abort();
    };
    expect(await imported(lines, { signal: stop.signal, onProgress })).toMatchObject({ added: 500 });
    expect(done).toBe(500);
    expect(await imported(lines, { fromLine: done + 1 })).toMatchObject({ added: 700, known: 0 });
    expect(await imported(lines)).toMatchObject({ added: 0, known: 1_200 });
  });

  test('before the first line that is asked for is read over', async () => {
    const lines = ['nonsense', record('W1', '00000000031'), record('W2', '00000000032')];
    expect(await imported(lines, { fromLine: 3 })).toMatchObject({ added: 1, rejects: [] });
    expect(await known('W1')).toBeUndefined();
  });
});

test.each([1, 2, 3, 5, 100])('lines are the same however the stream is cut: %i bytes at a time', async (size) => {
  const lines = [];
  for await (const line of linesOf(chunks('\uFEFFä1\r\n\n€2\nlonger than ten\nlast', size), 10)) lines.push(line);
  expect(lines).toEqual([
    { number: 1, text: 'ä1', problem: null, endOffset: 8 },
    { number: 2, text: '', problem: null, endOffset: 9 },
    { number: 3, text: '€2', problem: null, endOffset: 14 },
    { number: 4, text: null, problem: 'has more than 10 bytes', endOffset: 30 },
    { number: 5, text: 'last', problem: null, endOffset: 34 },
  ]);
});

describe('conax-provisioning import', () => {
  const file = join(tmpdir(), `import-${process.pid}.jsonl`);
  const rejects = `${file}.rejects.jsonl`;
  const run = (...args: string[]): Promise<Ran> => runCli(['import', ...args], { DATABASE_URL: intake.url });
  afterEach(() => Promise.all([rm(file, { force: true }), rm(rejects, { force: true })]));

  test('ends with 0 when every line was imported, and prints the counts', async () => {
    await writeFile(file, `${JSON.stringify(record('X1', '00000000041'))}\n`);
    const { exitCode, stdout } = await run(file, '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      lines: 1,
      added: 1,
      updated: 0,
      known: 0,
      rejected: 0,
      seconds: expect.any(Number) as number,
      rejects_file: null,
    });
  });

  test('ends with 1 when lines were not, and keeps each with what is wrong; mended ones go through', async () => {
    const bad = { ...record('X2', '00000000042'), state: 'ON' };
    await writeFile(file, `${JSON.stringify(bad)}\n${JSON.stringify(record('X3', '00000000043'))}\n`);
    const { exitCode, stdout, stderr } = await run(file);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: expect.stringMatching(/^2 lines: 1 added, 0 updated, 0 known, 1 rejected; \S+ lines\/s\n$/) as string,
    });
    expect(stderr).toContain(`1 lines were not imported, all others were: ${rejects} has each`);
    const kept = JSON.parse(await readFile(rejects, 'utf8')) as Reject;
    expect(kept).toMatchObject({
      line: 1,
      problems: [{ field: 'state', problem: 'is "ON"' }],
      text: JSON.stringify(bad),
    });
    await writeFile(file, (kept.text ?? '').replace('"ON"', '"EFFECTIVE"'));
    expect(await run(file)).toMatchObject({ exitCode: 0 });
    expect(await known('X2')).toBeDefined();
    await expect(readFile(rejects)).rejects.toThrow('ENOENT');
  });

  test.each([
    [['/nowhere/at.all'], '/nowhere/at.all cannot be read: there is no such file; correct the name'],
    [[tmpdir()], 'cannot be read: it is a directory'],
    [['-', '--from-line', '0'], '--from-line is "0": give a number from 1 on'],
  ])('ends with 2 for wrong usage: %j', async (args, says) => {
    const { exitCode, stderr } = await run(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(says);
  });
});
