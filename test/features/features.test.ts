import { expect, test } from 'vitest';
import { z } from 'zod';
import { FEATURES } from '../../src/features/features.ts';

const OPERATIONS = FEATURES.flatMap(({ name, operations }) => operations.map((one) => [one.name, one, name] as const));

test('every operation has a name and a route of its own', () => {
  for (const values of [OPERATIONS.map(([name]) => name), OPERATIONS.map(([, { route }]) => route)]) {
    expect(values).toEqual([...new Set(values)]);
  }
});

test.each(OPERATIONS)('%s is complete: its name, sentences, fields and example fit together', (name, one, feature) => {
  expect(name.split('.')[0]).toBe(feature);
  expect(one.summary).toMatch(/^[A-Z][^.]*$/);
  expect(one.description).toMatch(/^[A-Z].*\.$/s);
  expect(one.input.parse(one.example)).toBeTruthy();
  const { properties = {} } = z.toJSONSchema(one.input, { io: 'input', unrepresentable: 'any' });
  for (const [field, schema] of Object.entries(properties)) {
    expect(field).toMatch(/^[a-z]+(_[a-z0-9]+)*$/);
    expect({ field, ...(schema as object) }).toMatchObject({ field, description: expect.any(String) as string });
  }
  const names = Object.keys(one.input.shape);
  const inPath = [...one.route.matchAll(/\{(\w+)\}/g)].map(([, field]) => field);
  expect(names).toEqual(expect.arrayContaining([...inPath, ...(one.cli?.arguments ?? [])]));
  // A query and a path have texts only, and nothing but numbers is read from them.
  const texts = one.route.startsWith('GET') ? names : inPath;
  const types = texts.map((field = '') => (properties[field] as { type?: string }).type);
  expect(['string', 'integer', 'number']).toEqual(expect.arrayContaining(types));
  expect(one.output.meta()).toMatchObject({
    id: expect.any(String) as string,
    description: expect.any(String) as string,
  });
});
