import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPortablePattern } from '../../src/http/openapi-portable.ts';
import { startWebWorld, type WebWorld } from '../web-api/support.ts';

interface Document {
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly info: { readonly license: object; readonly contact: object };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>>; readonly securitySchemes: object };
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, unknown>>[];
}

let world: WebWorld;
let document: Document;

beforeAll(async () => {
  // Patterns of an installation that only ECMAScript reads.
  world = await startWebWorld({ STB_CA_ID_PATTERN: String.raw`^(?=.{1,30}$)[\p{L}\p{N}-]+$` });
  document = (await (await fetch(`${world.service.url}/openapi.json`)).json()) as Document;
});
afterAll(() => world.close());

const operations = (): Operation[] => Object.values(document.paths).flatMap((path) => Object.values(path));

test('every pattern of the document is one that all languages can compile', () => {
  const patterns = [...JSON.stringify(document).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(
    ([, pattern = '""']) => JSON.parse(pattern) as string,
  );
  expect(patterns.length).toBeGreaterThan(10);
  expect(patterns.filter((pattern) => !isPortablePattern(pattern))).toEqual([]);
});

test('a pattern that some languages cannot compile stands in the description, and is checked all the same', async () => {
  expect(JSON.stringify(document)).toContain(String.raw`[\\p{L}\\p{N} ._-]*$`);
  expect(JSON.stringify(document)).toContain(String.raw`^(?=.{1,30}$)[\\p{L}\\p{N}-]+$`);
  const answer = await world.operate('/utilities/pairing/create', {
    smartcard_ca_ids: ['20000000001'],
    stb_ca_ids: ['!'],
  });
  expect(answer).toMatchObject({ status: 400, code: 'PARAMETER_INVALID' });
});

test.each([
  [String.raw`^\d{11}$`, true],
  ['^[!-~]{1,30}$', true],
  [String.raw`^(?:a|b\.c)+[^\d\]x-]*$`, true],
  [String.raw`^\p{L}$`, false],
  [String.raw`^\u00e9$`, false],
  ['^é$', false],
  ['^(?=a)b$', false],
  ['^(?<name>a)$', false],
  [String.raw`(a)\1`, false],
  ['[a[b]', false],
  ['[a&&b]', false],
  ['a{1001}', false],
  [String.raw`\x41`, false],
])('%s can be compiled everywhere: %s', (pattern, portable) => {
  expect(isPortablePattern(pattern)).toBe(portable);
});

test('every call has an operation id of its own, a summary, a description and a declared tag', () => {
  const ids = operations().map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const declared = new Set(document.tags.map(({ name }) => name));
  expect(operations().filter(({ summary, description }) => !summary || !description)).toEqual([]);
  expect(operations().filter(({ tags }) => tags.length !== 1 || !declared.has(tags[0] ?? ''))).toEqual([]);
  const used = new Set(operations().flatMap(({ tags }) => tags));
  expect(document.tags.filter(({ name, description }) => !used.has(name) || !description)).toEqual([]);
});

test('the document names servers, license, contact, and that only logging in and out needs no token', () => {
  expect(document.servers).toEqual([{ url: '/', description: expect.any(String) }]);
  expect(document.info).toMatchObject({ license: { name: 'MIT' }, contact: { name: expect.any(String) } });
  const open = operations().filter(({ security }) => security.length === 0);
  expect(open.map(({ operationId }) => operationId)).toEqual(['login', 'session.start', 'session.end']);
  const schemes = Object.keys(document.components.securitySchemes);
  const named = operations().flatMap(({ security }) => security.flatMap((one) => Object.keys(one)));
  expect([...new Set(named)]).toEqual(schemes);
});

test('something refers to every schema of the document', () => {
  const text = JSON.stringify(document);
  const schemas = Object.keys(document.components.schemas);
  expect(schemas.filter((name) => !text.includes(`"#/components/schemas/${name}"`))).toEqual([]);
});
