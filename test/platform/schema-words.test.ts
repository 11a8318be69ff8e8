import { expect, test } from 'vitest';
import { z } from 'zod';
import { inOurWords, mistakesOf } from '../../src/platform/schema-words.ts';

const schema = z.strictObject({
  name: z.string(),
  colour: z.enum(['red', 'blue']),
  isOn: z.boolean(),
  count: z.int().min(2).max(5),
  sizes: z.array(z.number()),
  inner: z.strictObject({ depth: z.number().optional() }),
});

test('what a schema refuses is said in words, and misspelt names with the one that was meant', () => {
  const wrong = { name: 1, colour: 'green', isOn: 'yes', count: 9, sizes: 3, inner: { deph: 1, x: 2 }, nmae: 'a' };
  const parsed = schema.safeParse(wrong, { error: inOurWords });
  const said = parsed.success
    ? []
    : mistakesOf(parsed.error).map(({ path, problem }) => `${path.join('.')}: ${problem}`);
  expect(said).toEqual([
    'name: must be text in quotation marks',
    'colour: must be one of red, blue',
    'isOn: must be true or false',
    'count: must be at most 5',
    'sizes: must be a list: […]',
    'inner.deph: not known here; did you mean depth? leave it out or correct the name',
    'inner.x: not known here; the names are depth; leave it out or correct the name',
    'nmae: not known here; did you mean name? leave it out or correct the name',
  ]);
});
