import { nameOf, type SoapBody } from '../soap/envelope.ts';
import { namespaceOf, type XmlElement } from '../soap/xml.ts';

/** What one pattern reads from a message. */
export interface Matched {
  /** The texts of each field, in the order of the message. Fields that are not there are left out. */
  readonly fields: Record<string, string[]>;
  /** Fixed texts of the body that the message has otherwise. With none, the message may have been made by the template. */
  contradictions: number;
  /** Grows with each place of the pattern that the message has, and falls with each that it lacks or has too much. */
  score: number;
  /** Nothing lacks, nothing is too much. */
  isWhole: boolean;
}

/** Finds the fields of a template in a message, by namespaces and names. */
export type Pattern = (message: SoapBody) => Matched;

/** Returns the text that stands for a field while its template is rendered; `n` counts the devices of a list. */
export function marker(field: string, n: number): string {
  return `\uE000${field}.${n}\uE001`;
}

const xsiType = '{http://www.w3.org/2001/XMLSchema-instance}type';
const markers = /\uE000(\w+)\.(\d+)\uE001/g;

/** An element, an attribute or a text of the template. */
type TextPattern = { readonly fixed: string } | { readonly fields: readonly string[]; readonly form: RegExp };
interface Node {
  readonly key: string;
  readonly attributes: readonly (readonly [name: string, text: TextPattern])[];
  readonly text: TextPattern | null;
  /** The children by namespace and name. */
  readonly places: ReadonlyMap<string, readonly Place[]>;
  /** The device of a list that the element holds, as field.n; null if it holds none or several. */
  readonly device: string | null;
}
/** An element of a message, so prepared that every rendering can be compared with it. */
interface Received {
  readonly text: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: ReceivedChildren;
}
/** Elements by namespace and name. */
type ReceivedChildren = ReadonlyMap<string, readonly Received[]>;
/** Where a child stands. The devices of a list share one place; they differ in what each of them has. */
interface Place {
  readonly list: string | null;
  readonly nodes: Node[];
}

/**
 * Makes a pattern of what a template renders. `renderings` are the envelopes of its samples, each read, with `marker`
 * for every field; `lists` are the names of its lists. The rendering that fits a message best decides its fields.
 */
export function createPattern(renderings: readonly SoapBody[], lists: ReadonlySet<string>): Pattern {
  const variants = renderings.map(({ content, headers }) => ({
    body: placesOf([content], lists),
    header: placesOf(headers, lists),
  }));
  return ({ content, headers }) => {
    const [inBody, inHeader] = [byName([content]), byName(headers)];
    let best: Matched | null = null;
    for (const { body, header } of variants) {
      const matched = start();
      matchChildren(header, inHeader, matched);
      // Headers are the sender's affair: a client made from the WSDL alone has none.
      matched.score -= matched.contradictions;
      matched.contradictions = 0;
      matchChildren(body, inBody, matched);
      if (best === null || isBetter(matched, best)) best = matched;
      if (best.isWhole && best.contradictions === 0) break;
    }
    return best ?? start();
  };
}

/** Compares two readings of one message. */
export function isBetter(one: Matched, other: Matched): boolean {
  return one.contradictions === other.contradictions
    ? one.score > other.score
    : one.contradictions < other.contradictions;
}

function start(): Matched {
  return { fields: {}, contradictions: 0, score: 0, isWhole: true };
}

function byName(elements: readonly XmlElement[]): ReceivedChildren {
  const found = new Map<string, Received[]>();
  for (const element of elements) {
    const key = nameOf(element);
    const attributes = new Map(attributesOf(element));
    const received = { text: element.text, attributes, children: byName(element.children) };
    const same = found.get(key);
    if (same === undefined) found.set(key, [received]);
    else same.push(received);
  }
  return found;
}

function nodeOf(element: XmlElement, lists: ReadonlySet<string>): Node {
  const attributes = attributesOf(element).map(([name, value]) => [name, textPattern(value)] as const);
  const devices = devicesIn(element, lists);
  return {
    key: nameOf(element),
    attributes,
    text: element.text.trim() === '' ? null : textPattern(element.text),
    places: placesOf(element.children, lists),
    device: devices.size === 1 ? ([...devices][0] ?? null) : null,
  };
}

function placesOf(elements: readonly XmlElement[], lists: ReadonlySet<string>): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  for (const element of elements) {
    const node = nodeOf(element, lists);
    const list = node.device?.replace(/\.\d+$/, '') ?? null;
    const siblings = places.get(node.key) ?? [];
    const shared = list === null ? undefined : siblings.find((place) => place.list === list);
    if (shared === undefined) siblings.push({ list, nodes: [node] });
    else shared.nodes.push(node);
    places.set(node.key, siblings);
  }
  return places;
}

function devicesIn(element: XmlElement, lists: ReadonlySet<string>): Set<string> {
  const devices = new Set<string>();
  for (const text of [element.text, ...Object.values(element.attributes)]) {
    for (const [, field = '', n] of text.matchAll(markers)) if (lists.has(field)) devices.add(`${field}.${n}`);
  }
  for (const child of element.children) for (const device of devicesIn(child, lists)) devices.add(device);
  return devices;
}

/** Attributes by namespace and name. The prefix in the value of an xsi:type is the sender's choice. */
function attributesOf(element: XmlElement): [name: string, value: string][] {
  return Object.entries(element.attributes).map(([name, value]) => {
    if (name !== xsiType) return [name, value];
    const [first = '', second] = value.trim().split(':');
    const ns = namespaceOf(element, second === undefined ? '' : first) ?? '';
    return [name, nameOf({ ns, name: second ?? first })];
  });
}

function textPattern(text: string): TextPattern {
  const fields = Array.from(text.matchAll(markers), ([, field = '']) => field);
  if (fields.length === 0) return { fixed: plain(text) };
  const [first = '', ...rest] = text.split(/\uE000\w+\.\d+\uE001/);
  const form = rest.reduce((before, literal) => `${before}(.*?)${formOf(literal)}`, formOf(first));
  return { fields, form: new RegExp(`^${form.replace(/^\\s\+/, '\\s*').replace(/\\s\+$/, '\\s*')}$`, 'su') };
}

function formOf(literal: string): string {
  return literal.replaceAll(/\s+|[\\^$.*+?()[\]{}|/]/g, (found) => (found.trim() === '' ? '\\s+' : `\\${found}`));
}

function plain(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

function matchNode(node: Node, element: Received, matched: Matched): void {
  if (node.text !== null) matchText(node.text, element.text, matched);
  for (const [name, pattern] of node.attributes) {
    const value = element.attributes.get(name);
    if (value === undefined) lacks(matched);
    else matchText(pattern, value, matched);
  }
  matchChildren(node.places, element.children, matched);
}

function matchText(pattern: TextPattern, text: string, matched: Matched): void {
  if ('fixed' in pattern) {
    if (pattern.fixed === plain(text)) matched.score += 1;
    else matched.contradictions += 1;
    return;
  }
  const texts = pattern.form.exec(text);
  if (texts === null) {
    matched.contradictions += 1;
    return;
  }
  matched.score += 1;
  for (const [index, field] of pattern.fields.entries())
    (matched.fields[field] ??= []).push(copied(texts[index + 1] ?? ''));
}

function lacks(matched: Matched): void {
  matched.score -= 1;
  matched.isWhole = false;
}

function matchChildren(
  places: ReadonlyMap<string, readonly Place[]>,
  children: ReceivedChildren,
  matched: Matched,
): void {
  for (const name of children.keys()) if (!places.has(name)) lacks(matched);
  for (const [name, siblings] of places) matchSiblings(siblings, children.get(name) ?? [], matched);
}

/** Fixed texts distinguish elements of one name, and their order distinguishes the rest. */
function matchSiblings(places: readonly Place[], elements: readonly Received[], matched: Matched): void {
  const [only] = places;
  if (places.length === 1 && only !== undefined) {
    matchInOrder(
      places,
      elements.map((element) => [read(only, element)]),
      matched,
    );
    return;
  }
  const groups = new Map<string, { places: Place[]; readings: Matched[][] }>();
  const taken = new Set<Place>();
  for (const element of elements) {
    const readings = places.map((place) => read(place, element));
    const fits = readings.map(({ contradictions }) => contradictions === 0);
    const isAny = fits.includes(true);
    const fitting = places.filter((_, index) => !isAny || fits[index] === true);
    const key = isAny ? fits.join() : '';
    const group = groups.get(key) ?? { places: fitting, readings: [] };
    groups.set(key, group);
    group.readings.push(readings.filter((_, index) => !isAny || fits[index] === true));
    for (const place of fitting) taken.add(place);
  }
  for (const group of groups.values()) matchInOrder(group.places, group.readings, matched);
  for (const place of places) if (!taken.has(place)) lacks(matched);
}

function matchInOrder(places: readonly Place[], readings: readonly (readonly Matched[])[], matched: Matched): void {
  const used = new Set<number>();
  let at = 0;
  for (const [index, byPlace] of readings.entries()) {
    const left = readings.length - index;
    // A list leaves one element for each place after it that is no list.
    while (at < places.length - 1) {
      const after = places.slice(at + 1).filter(({ list }) => list === null).length;
      if (places[at]?.list === null ? !used.has(at) : left > after) break;
      at += 1;
    }
    const reading = byPlace[at];
    if (reading === undefined) continue;
    const isMore = used.has(at);
    used.add(at);
    for (const field in reading.fields) (matched.fields[field] ??= []).push(...(reading.fields[field] ?? []));
    matched.contradictions += reading.contradictions;
    if (!isMore) matched.score += reading.score;
    if (!reading.isWhole) matched.isWhole = false;
    if (isMore && places[at]?.list === null) lacks(matched);
  }
  for (const index of places.keys()) if (!used.has(index)) lacks(matched);
}

/** Reads an element as the device of the list that fits it best. */
function read({ nodes }: Place, element: Received): Matched {
  let best: Matched | null = null;
  for (const node of nodes) {
    const matched = start();
    matchNode(node, element, matched);
    if (best === null || isBetter(matched, best)) best = matched;
  }
  return best ?? start();
}

/** A copy: a text that is cut out of the request would keep the whole request in memory. */
function copied(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf8').toString('utf8');
}
