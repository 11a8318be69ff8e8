import { nameOf, type QName } from './envelope.ts';
import type { XmlElement } from './xml.ts';

export interface AnswerStep extends QName {
  readonly isAttribute: boolean;
}

/** The steps from the element in the SOAP body, which is the first, to the one with the text. */
export type AnswerPath = readonly AnswerStep[];

/** The texts of everything at the path, trimmed. An element of another namespace is another element. */
export function textsAt(content: XmlElement, path: AnswerPath | undefined): string[] {
  if (path === undefined) return [];
  const elements = elementsOn(content, path).at(-1) ?? [content];
  const last = path.at(-1);
  if (!last?.isAttribute) return elements.map(({ text }) => text.trim());
  return elements.flatMap(({ attributes }) => attributes[nameOf(last)]?.trim() ?? []);
}

/** Returns the elements at each step of a path below the content; an attribute is no step. */
export function elementsOn(content: XmlElement, path: AnswerPath): XmlElement[][] {
  const found: XmlElement[][] = [];
  let around = [content];
  for (const { ns, name, isAttribute } of path.slice(1)) {
    if (isAttribute) break;
    around = around.flatMap(({ children }) => children.filter((child) => child.name === name && child.ns === ns));
    found.push(around);
  }
  return found;
}

/**
 * Returns the elements from the content to the first one below it that is wanted; null if none is. `at`: the names down to the
 * element, in small letters.
 */
export function findElement(
  { children }: XmlElement,
  isWanted: (element: XmlElement, at: readonly string[]) => boolean,
  around: readonly string[] = [],
): readonly XmlElement[] | null {
  for (const child of children) {
    const at = [...around, child.name.toLowerCase()];
    if (isWanted(child, at)) return [child];
    const inner = findElement(child, isWanted, at);
    if (inner !== null) return [child, ...inner];
  }
  return null;
}

/** The texts and attributes of an element and of all in it. */
export function textsIn({ text, attributes, children }: XmlElement): string[] {
  return [text.trim(), ...Object.values(attributes), ...children.flatMap(textsIn)];
}
