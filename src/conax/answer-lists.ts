import { nameOf } from '../soap/envelope.ts';
import type { XmlElement } from '../soap/xml.ts';
import { type AnswerPath, elementsOn, findElement, textsAt, textsIn } from '../soap/xml-path.ts';
import type { AnswerShape, CasCommand } from './cas-definition.types.ts';
import { answerLists } from './field-names.ts';
import { extentNamed, isAside, listsCounted, mayNotCount, stemOf, usualNames } from './list-names.ts';

/** The device that a question is about, null for every other command. */
export type AskedDevice = { readonly kind: 'smartcard' | 'setTopBox'; readonly caId: string } | null;

/**
 * Returns why a list of an answer cannot be read, as it goes on after "the answer"; null if every list can. A list counts as
 * empty only if nothing in the answer looks like its entries, and as whole only if nothing says that there are more: a
 * misread or cut list would let reconcile add what the card has, and a pairing look undone.
 */
export function misreadList(
  { type, answer: { paths } }: CasCommand,
  asked: AskedDevice,
  content: XmlElement,
): string | null {
  const lists = answerLists[type];
  if (lists === undefined) return null;
  const all = Object.values(paths);
  const known: Known = {
    elements: new Set(all.flatMap((path) => elementsOn(content, path).flat())),
    texts: new Set(all.flatMap((path) => (path.at(-1)?.isAttribute ? [] : (elementsOn(content, path).at(-1) ?? [])))),
    attributes: new Set(all.flatMap((path) => path.filter(({ isAttribute }) => isAttribute).map(nameOf))),
    ignored: new Set(ignoredIn(paths, content)),
    frame: new Set(elementsOn(content, paths['statusCode'] ?? []).flat()),
    caId: asked?.caId ?? null,
  };
  const cut = cutBy(content, known, counterOf(lists, paths, content, asked));
  if (cut !== null) {
    return `has ${cut}, so its list may be one page of several; let the CAS answer with the whole list, for example by a larger page in the template, or write the path into "ignored" if it is something else`;
  }
  for (const list of lists) {
    const path = paths[list];
    if (path === undefined) continue;
    const problem =
      inEntries(content, path, known) ??
      beyondEntries(content, path, known, list) ??
      elsewhere(content, path, known, list);
    if (problem !== null) {
      return `${problem}, where conax.json expects ${list}; correct its path or namespace, or write the path of what has no entries into "ignored"`;
    }
  }
  return asked?.kind === 'smartcard' && lists.includes('pairedSmartcards')
    ? otherPairing(paths, asked.caId, content)
    : null;
}

/** What shows that an answer has several pairings: a card is in one at most (A25). A CAS may name only the other cards. */
function otherPairing(paths: AnswerShape['paths'], caId: string, content: XmlElement): string | null {
  const [ofCards = [], ofBoxes = []] = [paths['pairedSmartcards'], paths['pairedSetTopBoxes']];
  const [cards, boxes] = [elementsOn(content, ofCards), elementsOn(content, ofBoxes)];
  // A row has a card and a set-top box in its attributes.
  const end = cards.at(-1)?.some((row) => boxes.at(-1)?.includes(row)) ? undefined : -1;
  const textsOf = (element: XmlElement, path: AnswerPath): string[] => {
    const [own, ...rest] = path.slice(-2);
    const isOwn = own?.name === element.name && own.ns === element.ns;
    return isOwn ? textsAt(element, [own, ...rest]).filter((text) => text !== '') : [];
  };
  for (const [steps, others] of [
    [cards.slice(0, end), boxes.slice(0, end)],
    [boxes.slice(0, end), cards.slice(0, end)],
  ] as const) {
    for (const elements of steps) {
      const filled = elements.map(textsIn).filter((texts) => texts.some(isSaid));
      if (filled.length < 2 || filled.every((texts) => texts.includes(caId))) continue;
      const devices = elements.map((element) => [textsOf(element, ofCards), textsOf(element, ofBoxes)]);
      const areSingle = devices.every((texts) => texts.flat().length < 2);
      const isOfBoth = [0, 1].every((list) => devices.some((texts) => texts[list]?.length === 1));
      const areDevices = areSingle && (isOfBoth || areApart(elements, others.at(-1)));
      if (elements !== steps.at(-1) || !areDevices) {
        return 'has several pairings, and does not name the card that was asked about in each';
      }
    }
  }
  return null;
}

/** Whether elements with one device each are a list of devices, and no pairings: no plural, and none of the other list between. */
function areApart(elements: readonly XmlElement[], others: readonly XmlElement[] = []): boolean {
  const [first, last] = [elements[0], elements.at(-1)];
  if (first === undefined || last === undefined || /(?:s|list)$/i.test(first.name)) return false;
  return !others.some(({ at }) => first.at <= at && at <= last.at);
}

/** What the paths of the command read, and the device that was asked about: an answer may repeat it anywhere. */
interface Known {
  /** On the way to something that is read. */
  readonly elements: ReadonlySet<XmlElement>;
  readonly texts: ReadonlySet<XmlElement>;
  readonly attributes: ReadonlySet<string>;
  /** With all in them. */
  readonly ignored: ReadonlySet<XmlElement>;
  /** Around the status code, such as `return`: what else is in them is no more of a list than what is in the Body's element. */
  readonly frame: ReadonlySet<XmlElement>;
  readonly caId: string | null;
}

function ignoredIn(paths: AnswerShape['paths'], content: XmlElement): XmlElement[] {
  const withInner = (element: XmlElement): XmlElement[] => [element, ...element.children.flatMap(withInner)];
  return Object.entries(paths).flatMap(([field, path]) => {
    const isElement = field.startsWith('ignored') && !path.at(-1)?.isAttribute;
    return isElement ? (elementsOn(content, path).at(-1) ?? []).flatMap(withInner) : [];
  });
}

/** Returns the first sign of further pages, such as `HasMore "true"`; null if there is none. */
function cutBy(element: XmlElement, known: Known, entriesOf: (name: string) => number): string | null {
  if (known.ignored.has(element)) return null;
  const isCut = (name: string, text: string): boolean => {
    const value = text.trim().toLowerCase();
    const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    switch (extentNamed(name)) {
      case 'more':
        return isSaid(value) && !/^(?:no?|none|null|-1)$/.test(value);
      case 'whole':
        return /^(?:false|no?)$/.test(value);
      case 'pages':
        return number > 1;
      case 'count':
        return number > entriesOf(name);
      case null:
        return false;
    }
  };
  const own = Object.entries(element.attributes).filter(([name]) => isUnknown(name, known));
  if (!known.texts.has(element)) own.push([element.name, element.text]);
  const cut = own.find(([name, text]) => isCut(name, text));
  if (cut !== undefined) return `${cut[0]} ${JSON.stringify(cut[1].trim().slice(0, 60))}`;
  if (element.children.length > 0 && extentNamed(element.name) === 'more' && unread(element, known) !== null) {
    return nameOf(element);
  }
  for (const child of element.children) {
    const inner = cutBy(child, known, entriesOf);
    if (inner !== null) return inner;
  }
  return null;
}

/**
 * Returns how many entries a count of a name may have counted. Some answers leave out the device that was asked about. It
 * counts each list once: an answer may have thousands of counts.
 */
function counterOf(
  lists: readonly string[],
  paths: AnswerShape['paths'],
  content: XmlElement,
  asked: AskedDevice,
): (name: string) => number {
  const own = asked?.kind === 'smartcard' ? 'pairedSmartcards' : 'pairedSetTopBoxes';
  const count = (counted: readonly string[]): number => {
    const entries = new Set(counted.flatMap((list) => elementsOn(content, paths[list] ?? []).at(-1) ?? [])).size;
    const isNamed = counted.some((list) => textsAt(content, paths[list]).includes(asked?.caId ?? ''));
    return entries + (counted.includes(own) && entries > 0 && !isNamed ? 1 : 0);
  };
  const counts = new Map<string, number>();
  return (name) => {
    const counted = (listsCounted(name) ?? lists).filter((list) => lists.includes(list));
    const key = counted.join();
    const known = counts.get(key) ?? (counted.length === 0 ? Infinity : count(counted));
    counts.set(key, known);
    return known;
  };
}

/** What is wrong with the elements at the path. */
function inEntries(content: XmlElement, path: AnswerPath, known: Known): string | null {
  const isAttribute = path.at(-1)?.isAttribute ?? false;
  const several = textsAt(content, path).find((text) => /[\s,;<]|^(?:-+|n\/a|nil|none|null)$/i.test(text));
  if (several !== undefined) return `has ${JSON.stringify(several.slice(0, 60))} as one entry`;
  for (const entry of elementsOn(content, path).at(-1) ?? []) {
    if (!isAttribute && entry.children.length > 0) return `has elements in ${nameOf(entry)}`;
    const isEmpty = textsAt(entry, path.slice(isAttribute ? -2 : -1)).every((text) => text === '');
    if (isEmpty && unread(entry, known) !== null) return `has nothing to read in ${nameOf(entry)}`;
    const [doubt] =
      Object.entries(entry.attributes).find((one) => isUnknown(one[0], known) && mayNotCount(...one)) ?? [];
    if (doubt !== undefined) return `has the attribute ${doubt} in ${nameOf(entry)}`;
  }
  return null;
}

/** What stands in the containers, or looks like entries elsewhere: in another namespace, under other names, at another depth. */
function beyondEntries(content: XmlElement, path: AnswerPath, known: Known, list: string): string | null {
  const steps = path.slice(1).filter(({ isAttribute }) => !isAttribute);
  const { containers, isThere } = listAt(content, path, known);
  for (const element of elementsOn(content, path).slice(0, -1).flat()) {
    const reference = Object.keys(element.attributes).find((name) => /^(?:\{.*\})?h?ref$/i.test(name));
    const other = isSaid(element.text) ? 'text' : reference === undefined ? null : `the attribute ${reference}`;
    if (other !== null && !known.ignored.has(element) && !known.texts.has(element))
      return `has ${other} in ${nameOf(element)}`;
  }
  for (const container of containers) {
    const other = unread(container, known);
    if (other !== null) return `has ${other} in ${nameOf(container)}`;
  }
  const wanted = steps.map(({ name }) => name.toLowerCase());
  // A container that is there has the list. Only one of the same name may be meant as well.
  const isSame = (at: readonly string[]): boolean =>
    at.slice(-2).join('/') === wanted.slice(-2).join('/') && (wanted.length > 1 || at.length === 1);
  const usual = new RegExp(`^(?:${usualNames[list] ?? ''})$`);
  const stray = findElement(content, (element, at) => {
    if (!isOther(element, known)) return false;
    if (isThere || isSame(at)) return isSame(at);
    const stem = stemOf(element.name);
    const isLike =
      usual.test(stem) || steps.some(({ name }) => stemOf(name) === stem) || /^\s*[<{[]/.test(element.text);
    return isLike && unread(element, known) !== null;
  });
  return stray === null ? null : `has ${stray.map(nameOf).join('/')}`;
}

/** Returns the innermost containers of a list, and whether it is there: one of them is, or an entry. */
function listAt(
  content: XmlElement,
  path: AnswerPath,
  { frame }: Known,
): { readonly containers: readonly XmlElement[]; readonly isThere: boolean } {
  const [entries = [], around = []] = elementsOn(content, path).toReversed();
  const containers = around.filter((container) => !frame.has(container));
  return { containers, isThere: containers.length + entries.length > 0 };
}

/**
 * What may be the entries if nothing has the names of the path: of a list that is nowhere, anything that looks like one in
 * the last element on its way. Services have numbers, and devices ids with a digit.
 */
function elsewhere(content: XmlElement, path: AnswerPath, known: Known, list: string): string | null {
  if (listAt(content, path, known).isThere) return null;
  const isOwn = (element: XmlElement): boolean => !known.frame.has(element);
  const last = elementsOn(content, path).findLast((elements) => elements.some(isOwn));
  const entry = list === 'activeServices' ? /^\d{1,8}$/ : /^(?!\d+[-.:/]\d)(?=.*\d)/;
  const isLike = (text: string): boolean => {
    const words = text.split(/[\s,;|]+/).filter((word) => word !== '');
    return isSaid(text) && text !== known.caId && words.every((word) => entry.test(word));
  };
  const isFound = (element: XmlElement, names: readonly string[]): boolean => {
    if (known.ignored.has(element) || element.text.trim() === known.caId || names.some(isAside)) return false;
    const isUnread = (name: string): boolean => isUnknown(name, known) && !isAside(name);
    return [
      known.texts.has(element) ? '' : element.text,
      ...Object.entries(element.attributes).map(([name, text]) => (isUnread(name) ? text : '')),
    ].some(isLike);
  };
  const found = findElement({ ...content, children: last ?? content.children }, isFound);
  return found === null ? null : `has ${found.map(nameOf).join('/')}`;
}

function isOther(element: XmlElement, { elements, ignored, caId }: Known): boolean {
  return !elements.has(element) && !ignored.has(element) && element.text.trim() !== caId;
}

function isUnknown(attribute: string, { attributes }: Known): boolean {
  return !attributes.has(attribute) && !ofStandards.test(attribute);
}

/**
 * Returns what an element holds that no path reads, null if nothing. A flag of no, the size of the list, or the device that
 * was asked about is nothing.
 */
function unread(element: XmlElement, known: Known): string | null {
  const isTold = (name: string, text = ''): boolean => isSaid(text) || mayNotCount(name, text);
  if (!known.texts.has(element) && isTold(element.name, element.text)) return 'text';
  const { attributes, children } = element;
  const isUnread = (name: string): boolean =>
    isUnknown(name, known) &&
    extentNamed(name) === null &&
    attributes[name]?.trim() !== known.caId &&
    isTold(name, attributes[name]);
  const attribute = Object.keys(attributes).find(isUnread);
  if (attribute !== undefined) return `the attribute ${attribute}`;
  // `cutBy` looked at the size of the list before.
  const isSize = ({ name, children: inner }: XmlElement): boolean => inner.length === 0 && extentNamed(name) !== null;
  const child = children.find((one) => isOther(one, known) && !isSize(one) && unread(one, known) !== null);
  return child === undefined ? null : nameOf(child);
}

function isSaid(text = ''): boolean {
  return !/^\s*(?:0|false)?\s*$/.test(text);
}

/** xsi:nil and xsi:type, xml:lang, and the types and ids of SOAP and serializers. Not a reference, which means another element. */
const ofStandards =
  /^\{(?:http:\/\/(?:www\.w3\.org\/2001\/XMLSchema-instance|www\.w3\.org\/XML\/1998\/namespace|schemas\.xmlsoap\.org\/soap\/(?:encoding|envelope)\/|www\.w3\.org\/2003\/05\/soap-(?:encoding|envelope)|schemas\.microsoft\.com\/2003\/10\/Serialization\/|docs\.oasis-open\.org\/wss\/\S*-utility-1\.0\.xsd)|urn:schemas-microsoft-com:xml-(?:diffgram-v1|msdata))\}(?!h?ref$)/i;
