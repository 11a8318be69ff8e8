import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { refusal, startWebWorld, type WebWorld } from '../../web-api/support.ts';

const CARD = '20000000329';
let world: WebWorld;
beforeAll(async () => {
  world = await startWebWorld();
});
beforeEach(() => world.db.query('truncate communication_queue restart identity'));
afterAll(() => world.close());

const queue = (...args: string[]) => runCli(['queue', ...args], world.env);
const add = (...args: string[]) => queue('add', '--type', 'MAIL', '--message', 'Hello', '--card', CARD, ...args);

test('the command and the API show the same entry, and its dates have a zone', async () => {
  const added = await add('--by', 'anna', '--json');
  expect(added).toMatchObject({ exitCode: 0, stderr: '' });
  const shown = JSON.parse(added.stdout) as object;
  expect(shown).toMatchObject({
    number: 1,
    message: { type: 'MAIL', message: 'Hello' },
    smartcard_ca_id: CARD,
    created_by_user: 'anna',
    created_date: expect.stringMatching(/^[\d-]+T[\d:.]+Z$/),
  });
  expect((await world.operate('/queue/1', undefined, 'viewer')).data).toEqual(shown);
  expect(JSON.parse((await queue('show', '1', '--json')).stdout)).toEqual(shown);
  expect(JSON.parse((await queue('list', '--json')).stdout)).toEqual({ entries: [shown] });
});

test('pages follow one another by the number of the last entry', async () => {
  for (const message of ['one', 'two', 'three']) {
    await world.operate('/queue', { type: 'MAIL', message, smartcard_ca_id: CARD });
  }
  const numbers = async (query: string): Promise<number[]> => {
    const { data } = await world.operate<{ entries: { number: number }[] }>(`/queue?${query}`);
    return data.entries.map(({ number }) => number);
  };
  expect(await numbers('limit=2')).toEqual([1, 2]);
  expect(await numbers('after=2&limit=2&state=PENDING')).toEqual([3]);
  const { stdout } = await queue('list', '--after', '2');
  expect(stdout).toMatch(/^number +state .+\n3 +PENDING +MAIL +20000000329 +- +three +-\n$/);
});

test('people read what became of an entry, and errors name the field, its value and the remedy', async () => {
  expect((await add()).stdout).toBe(`1  PENDING  MAIL to ${CARD}: Hello\n`);
  expect((await queue('remove', '1')).stdout).toBe(
    `1  REJECTED  MAIL to ${CARD}: Hello  (Removed before a run took it.)\n`,
  );
  const [nobody, unknown, text] = await Promise.all([
    queue('add', '--type', 'BARK', '--message', 'Hello'),
    queue('show', '99'),
    queue('show', 'x'),
  ]);
  expect([nobody.exitCode, nobody.stderr]).toEqual([2, 'give exactly one of --card and --subscription\n']);
  expect([unknown.exitCode, unknown.stderr]).toEqual([3, 'there is no entry 99 in the communication queue\n']);
  expect([text.exitCode, text.stderr]).toEqual([
    2,
    expect.stringMatching(/^number is "x": give a whole number from 1 /),
  ]);
  for (const [path, remedy] of [
    ['/queue/x', 'number is "x": give a whole number'],
    ['/queue/0', 'number is 0: give a whole number'],
    ['/queue?after=-1', 'after is -1: give a whole number'],
    ['/queue?state=SENT', 'give one of PENDING'],
  ] as const) {
    expect(refusal(await world.operate(path), remedy)).toEqual([400, 'PARAMETER_INVALID', remedy]);
  }
});
