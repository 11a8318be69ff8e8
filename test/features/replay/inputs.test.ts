import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addReplayWork } from '../../../src/commands/replay.ts';
import { localRunInput, selectionOf } from '../../../src/features/replay/inputs.ts';

test.each([
  ['plan --topic x --file y', 'give one of --topic and --file'],
  ['plan --partition 1', '--partition, --from-offset and --to-offset belong to --topic: give it too'],
  ['plan --topic x --from-offset 1', '--from-offset and --to-offset need --partition'],
  ['plan --file x --disposition STALE', '--disposition is for events of the inbox: leave it or --file out'],
  ['plan --file x --from 2026-01-01', '--from and --to are not for files: leave them out'],
  ['plan --from noon', '--from is "noon": give a time like 2026-11-28T15:05:20Z, or a date like 2026-11-28'],
  ['plan --type ADD_SERVICE', '--type is "ADD_SERVICE": give S, V or I, a colon, a blank and the type'],
  ['run --rate 0 --reason x', '--rate is 0: give a whole number from 1 to 100000'],
  ['run', '--reason is missing'],
  ['outcomes --reason x', 'name the outcomes: give --from, --to, --subscription or --request'],
  ['outcomes --reason x --request 1 --subscription S1', 'give one of --subscription and --request'],
  ['resume x', 'id is "x": give a whole number from 1'],
])('the command line names its own options, before it looks for a database: replay %s', async (line, says) => {
  const command = new Command();
  addReplayWork(command);
  await expect(command.parseAsync(line.split(' '), { from: 'user' })).rejects.toMatchObject({
    name: 'UsageError',
    message: expect.stringContaining(says) as string,
  });
});

test('a date is its first moment in UTC, an offset is accepted, and limits have defaults', () => {
  const given = { from_date: '2026-11-01', to_date: '2026-11-02T06:30+02:00', reason: 'x' };
  const { source, limits } = selectionOf(localRunInput.parse(given));
  expect(source).toEqual({
    kind: 'inbox',
    from: '2026-11-01T00:00:00.000Z',
    to: '2026-11-02T04:30:00.000Z',
    disposition: null,
  });
  expect(limits).toEqual({ window: 500, perSecond: null });
});
