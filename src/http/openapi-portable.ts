/** A part of the document. */
type Node = Record<string, unknown>;

/** Escapes that every dialect reads in the same way, within a class and outside. */
const ESCAPE = String.raw`\\[dDwWsS]|\\[-.*+?^$()[\]{}|/\\]`;
/** Visible ASCII without what opens a class or is an operator in some dialect (`&&`, `||`, `~~`, `--`). */
const CLASS = String.raw`\[\^?(?:(?!--|&&|\|\||~~)[^\\[\]\x00-\x1F\x7F-\uFFFF]|${ESCAPE})+\]`;
const GROUP = String.raw`\((?:\?:)?(?!\?)|\)`;
const QUANTIFIER = String.raw`[*+?]|\{\d{1,3}(?:,\d{0,3})?\}`;
const LITERAL = String.raw`[.|^$]|[^\\[\](){}*+?.|^$\x00-\x1F\x7F-\uFFFF]`;
const PORTABLE = new RegExp(`^(?:${ESCAPE}|${CLASS}|${GROUP}|${QUANTIFIER}|${LITERAL})*$`);

/**
 * Returns whether the regular expressions of all languages read a pattern: no lookaround, named groups, properties
 * (`\p{L}`), Unicode escapes or back-references. The pattern must be one of JavaScript.
 */
export function isPortablePattern(pattern: string): boolean {
  return PORTABLE.test(pattern);
}

/**
 * Makes a document of what every generator of clients reads: a pattern that not every language can compile moves into
 * the description (the service still checks it), and schemas that nothing refers to are left out. The settings may
 * have any pattern.
 */
export function portable<T extends object>(document: T): T {
  return withoutUnused(withPortablePatterns(document) as Node) as T;
}

function withPortablePatterns(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPortablePatterns);
  if (value === null || typeof value !== 'object') return value;
  const node = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withPortablePatterns(member)]));
  const { pattern, description, ...others } = node;
  if (typeof pattern !== 'string' || isPortablePattern(pattern)) return node;
  const said = `Fits the regular expression \`${pattern}\` of ECMAScript with the flag u.`;
  return { ...others, description: typeof description === 'string' ? `${description} ${said}` : said };
}

function withoutUnused(document: Node): Node {
  const components = document['components'] as Node;
  const schemas = components['schemas'] as Node;
  const used = new Set<string>();
  const open: unknown[] = [document['paths']];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const [, name = ''] of JSON.stringify(next).matchAll(/"#\/components\/schemas\/([^"/]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      open.push(schemas[name]);
    }
  }
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...document, components: { ...components, schemas: kept } };
}
