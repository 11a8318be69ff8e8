import { nameOf, type QName } from '../soap/envelope.ts';
import type { XmlElement } from '../soap/xml.ts';

export interface AnswerStep extends QName {
  readonly isAttribute: boolean;
}

/** The steps from the element in the SOAP body, which is the first, to the one with the text. */
export type AnswerPath = readonly AnswerStep[];

/** How the answer of a command is read. */
export interface AnswerShape {
  /** Status codes; any other one refuses, and is for review unless it is in `refused`. */
  readonly success: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  readonly tryLater: ReadonlySet<string>;
  /** The login is refused, not the command. */
  readonly notAuthorised: ReadonlySet<string>;
  /** Whether an answer with nothing in its body is a success. */
  readonly emptySuccess: boolean;
  /** The element in the SOAP body; null if only an empty answer is a success. */
  readonly element: QName | null;
  /** By field: statusCode, message, referenceNumber, and the lists of the command. */
  readonly paths: Readonly<Record<string, AnswerPath>>;
}

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
