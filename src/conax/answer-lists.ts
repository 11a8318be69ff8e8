import { nameOf } from '../soap/envelope.ts';
import type { XmlElement } from '../soap/xml.ts';
import { type AnswerPath, type AnswerStep, elementsOn, textsAt } from './answer-shape.ts';
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
    const problem = inEntries(content, path, known) ?? beyondEntries(content, path, known);
    if (problem !== null) return `${problem}, where conax.json expects ${list}; correct its path or namespace`;
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
  const spaced = textsAt(content, path).find((text) => /\s/.test(text));
  if (spaced !== undefined) return `has ${JSON.stringify(spaced.slice(0, 60))} as one entry`;
  for (const entry of elementsOn(content, path).at(-1) ?? []) {
    if (!isAttribute && entry.children.length > 0) return `has elements in ${nameOf(entry)}`;
    const isEmpty = textsAt(entry, path.slice(isAttribute ? -2 : -1)).every((text) => text === '');
    if (isEmpty && holdsOther(entry, known)) return `has nothing to read in ${nameOf(entry)}`;
  }
  return null;
}

/** What looks like entries, and stands elsewhere: in another namespace, in a container of another name, one level off. */
function beyondEntries(content: XmlElement, path: AnswerPath, known: Known): string | null {
  const steps = path.slice(1).filter(({ isAttribute }) => !isAttribute);
  const found = elementsOn(content, path);
  const wanted = steps.map(lettersOf);
  for (const [depth, containers] of found.slice(0, -1).entries()) {
    const isNext = isStep(steps[depth + 1]);
    for (const container of containers) {
      if (container.children.some(isNext)) continue;
      const entry = container.children.find((child) => isOther(child, known) && isEntry(child, known));
      if (entry !== undefined) return `has ${nameOf(entry)} in ${nameOf(container)}`;
    }
  }
  // An empty container says that the list is empty, whatever stands elsewhere.
  const isThere = found.slice(0, Math.max(1, steps.length - 1)).every((elements) => elements.length > 0);
  const stray = findOther(content, [], (element, at) => {
    if (!isOther(element, known)) return false;
    const { missing, added } = difference(wanted, at);
    if (missing + added === 0) return true;
    if (isThere || missing > 1 || !holdsOther(element, known)) return false;
    // One step more or less, or a container of another name.
    return missing === 0 || added === 0 || (added === 1 && at.at(-1) === wanted.at(-1));
  });
  return stray === null ? null : `has ${stray.map(nameOf).join('/')}`;
}

/** Returns the elements from the content to the first one below it that is wanted; null if none is. */
function findOther(
  { children }: XmlElement,
  around: readonly string[],
  isWanted: (element: XmlElement, at: readonly string[]) => boolean,
): readonly XmlElement[] | null {
  for (const child of children) {
    const at = [...around, lettersOf(child)];
    if (isWanted(child, at)) return [child];
    const inner = findOther(child, at, isWanted);
    if (inner !== null) return [child, ...inner];
  }
  return null;
}

/** How many names are left of each if both lose the names with which both start and end. */
function difference(wanted: readonly string[], at: readonly string[]): { missing: number; added: number } {
  const most = Math.min(wanted.length, at.length);
  let start = 0;
  while (start < most && wanted[start] === at[start]) start += 1;
  let end = 0;
  while (end < most - start && wanted.at(-1 - end) === at.at(-1 - end)) end += 1;
  return { missing: wanted.length - start - end, added: at.length - start - end };
}

function lettersOf({ name }: { readonly name: string }): string {
  return name.toLowerCase();
}

function isStep(step: AnswerStep | undefined): (element: XmlElement) => boolean {
  return ({ ns, name }) => ns === step?.ns && name === step.name;
}

function isOther(element: XmlElement, { elements, caId }: Known): boolean {
  return !elements.has(element) && element.text.trim() !== caId;
}

/** A count of none, or a flag, is no entry. */
function isEntry(element: XmlElement, known: Known): boolean {
  return holdsOther(element, known) && !(element.children.length === 0 && /^(?:0|false)$/.test(element.text.trim()));
}

/** Whether an element holds something that no path reads. */
function holdsOther(element: XmlElement, known: Known): boolean {
  return (
    element.children.some((child) => isOther(child, known)) ||
    (element.text.trim() !== '' && !known.texts.has(element)) ||
    Object.keys(element.attributes).some((name) => !known.attributes.has(name) && !name.startsWith(ofInstance))
  );
}

/** xsi:nil and xsi:type. */
const ofInstance = '{http://www.w3.org/2001/XMLSchema-instance}';
