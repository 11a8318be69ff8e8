import { nameOf } from '../soap/envelope.ts';
import type { XmlElement } from '../soap/xml.ts';
import { type AnswerPath, elementsOn, findElement, textsAt, textsIn } from '../soap/xml-path.ts';
import type { AnswerShape } from './answer-shape.ts';
import type { CasCommand } from './cas-definition.types.ts';
import { answerLists } from './field-names.ts';

/** The device that a question is about, null for every other command. */
export type AskedDevice = { readonly kind: 'smartcard' | 'setTopBox'; readonly caId: string } | null;

/**
 * Returns why a list of an answer cannot be read, as it goes on after "the answer"; null if every list can. A list counts as
 * empty only if nothing in the answer looks like its entries: an empty list that is a misread one would let reconcile add
 * what the card has, and a pairing look undone.
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
    caId: asked?.caId ?? null,
  };
  for (const list of lists) {
    const path = paths[list];
    if (path === undefined) continue;
    const problem = inEntries(content, path, known) ?? beyondEntries(content, path, known, usualNames[list] ?? /^$/);
    if (problem !== null) return `${problem}, where conax.json expects ${list}; correct its path or namespace`;
  }
  return asked?.kind === 'smartcard' && lists.includes('pairedSmartcards')
    ? otherPairing(paths, asked.caId, content)
    : null;
}

/** What shows that an answer has several pairings: a card is in one at most (A25). A CAS may name only the other cards. */
function otherPairing(paths: AnswerShape['paths'], caId: string, content: XmlElement): string | null {
  const [cards = [], boxes = []] = ['pairedSmartcards', 'pairedSetTopBoxes'].map((list) =>
    elementsOn(content, paths[list] ?? []),
  );
  // A row has a card and a set-top box in its attributes.
  const end = cards.at(-1)?.some((row) => boxes.at(-1)?.includes(row)) ? undefined : -1;
  for (const elements of [...cards.slice(0, end), ...boxes.slice(0, end)]) {
    const filled = elements.map(textsIn).filter((texts) => texts.some(isSaid));
    if (filled.length > 1 && !filled.every((texts) => texts.includes(caId))) {
      return 'has several pairings, and does not name the card that was asked about in each';
    }
  }
  return null;
}

/** What the paths of the command read, and the device that was asked about: an answer may repeat it anywhere. */
interface Known {
  /** On the way to something that is read. */
  readonly elements: ReadonlySet<XmlElement>;
  readonly texts: ReadonlySet<XmlElement>;
  readonly attributes: ReadonlySet<string>;
  readonly caId: string | null;
}

/** What is wrong with the elements at the path. */
function inEntries(content: XmlElement, path: AnswerPath, known: Known): string | null {
  const isAttribute = path.at(-1)?.isAttribute ?? false;
  const several = textsAt(content, path).find((text) => /[\s,;<]/.test(text));
  if (several !== undefined) return `has ${JSON.stringify(several.slice(0, 60))} as one entry`;
  for (const entry of elementsOn(content, path).at(-1) ?? []) {
    if (!isAttribute && entry.children.length > 0) return `has elements in ${nameOf(entry)}`;
    const isEmpty = textsAt(entry, path.slice(isAttribute ? -2 : -1)).every((text) => text === '');
    if (isEmpty && unread(entry, known) !== null) return `has nothing to read in ${nameOf(entry)}`;
  }
  return null;
}

/** What stands in the containers, or looks like entries elsewhere: in another namespace, under other names, at another depth. */
function beyondEntries(content: XmlElement, path: AnswerPath, known: Known, usual: RegExp): string | null {
  const steps = path.slice(1).filter(({ isAttribute }) => !isAttribute);
  const around = elementsOn(content, path).slice(0, -1);
  for (const [depth, containers] of around.entries()) {
    for (const container of containers) {
      if (around[depth + 1]?.some((next) => container.children.includes(next))) continue;
      const other = unread(container, known);
      if (other !== null) return `has ${other} in ${nameOf(container)}`;
    }
  }
  const wanted = steps.map(({ name }) => name.toLowerCase());
  // A container that is there has the list. Only one of the same name may be meant as well.
  const entries = elementsOn(content, path).at(-1) ?? [];
  const isThere = (around.at(-1) ?? entries).length > 0;
  const isSame = (at: readonly string[]): boolean =>
    at.slice(-2).join('/') === wanted.slice(-2).join('/') && (wanted.length > 1 || at.length === 1);
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

/** What entries of each list are often called. */
const usualNames: Readonly<Record<string, RegExp>> = {
  activeServices: /^(?:product|service|entitlement|subscription|package)$/,
  pairedSmartcards: /^(?:card|smartcard|client)$/,
  pairedSetTopBoxes: /^(?:box|stb|settopbox|module|device|decoder)$/,
};

/** Without the ending of a plural or an id. */
function stemOf(name: string): string {
  const singular = name.toLowerCase().replaceAll(/[-_.]/g, '').replace(/s$/, '');
  return singular.replace(/(?<=.)(?:id|no|number|code)$/, '');
}

function isOther(element: XmlElement, { elements, caId }: Known): boolean {
  return !elements.has(element) && element.text.trim() !== caId;
}

/** Returns what an element holds that no path reads, null if nothing. A count of none, or a flag, is nothing. */
function unread(element: XmlElement, known: Known): string | null {
  if (!known.texts.has(element) && isSaid(element.text)) return 'text';
  const { attributes, children } = element;
  const isUnread = (name: string): boolean =>
    !known.attributes.has(name) && !ofStandards.test(name) && isSaid(attributes[name]);
  const attribute = Object.keys(attributes).find(isUnread);
  if (attribute !== undefined) return `the attribute ${attribute}`;
  const child = children.find((one) => isOther(one, known) && unread(one, known) !== null);
  return child === undefined ? null : nameOf(child);
}

function isSaid(text = ''): boolean {
  return !/^\s*(?:0|false)?\s*$/.test(text);
}

/** xsi:nil and xsi:type, xml:lang, and what SOAP says of types. */
const ofStandards =
  /^\{http:\/\/(?:www\.w3\.org\/2001\/XMLSchema-instance|www\.w3\.org\/XML\/1998\/namespace|schemas\.xmlsoap\.org\/soap\/(?:encoding|envelope)\/|www\.w3\.org\/2003\/05\/soap-(?:encoding|envelope))\}/;
