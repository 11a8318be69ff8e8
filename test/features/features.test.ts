import { expect, test } from 'vitest';
import { z } from 'zod';
import { FEATURES } from '../../src/features/features.ts';
import { inputSchemaOf, type Operation } from '../../src/operations/operation.ts';

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
  const input = inputSchemaOf(one);
  expect(input.parse(one.example)).toBeTruthy();
  const forms = input instanceof z.ZodObject ? [input] : input.options;
  for (const form of forms) expectFields(form, one);
  expect(one.output.meta()).toMatchObject({
    id: expect.any(String) as string,
    description: expect.any(String) as string,
  });
});

/** Every field has a sentence, and those of a query and a path can be read from texts. */
function expectFields(input: z.ZodObject, { route, cli }: Operation): void {
  const { properties = {} } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' });
  for (const [field, schema] of Object.entries(properties)) {
    expect(field).toMatch(/^[a-z]+(_[a-z0-9]+)*$/);
    expect({ field, ...(schema as object) }).toMatchObject({ field, description: expect.any(String) as string });
  }
  const names = Object.keys(input.shape);
  const inPath = [...route.matchAll(/\{(\w+)\}/g)].map(([, field]) => field);
  expect(names).toEqual(expect.arrayContaining([...inPath, ...(cli?.arguments ?? [])]));
  // A query and a path have texts only, and nothing but numbers and flags is read from them.
  const texts = route.startsWith('GET') ? names : inPath;
  const types = texts.map((field = '') => (properties[field] as { type?: string }).type);
  expect(['string', 'integer', 'number', 'boolean']).toEqual(expect.arrayContaining(types));
}
