import type { AnswerShape } from '../conax/cas-definition.types.ts';
import { type AnswerPath, textsAt } from '../soap/xml-path.ts';
import type { Mask } from '../platform/masking.ts';
import { faultVersion, nameOf, readEnvelope } from '../soap/envelope.ts';
import { type XmlElement, XmlError } from '../soap/xml.ts';

/** What a path of conax.json finds in an answer. */
export interface FoundAt {
  readonly field: string;
  /** The path, with namespaces. */
  readonly path: string;
  readonly texts: readonly string[];
  /** If it finds nothing: the places of elements and attributes that have the name of its last step. */
  readonly elsewhere: readonly string[];
}

/**
 * Returns what each path of an answer finds in it; null if the answer has no SOAP body with an element that can be read.
 * @param answer as it came: a masked one may have other names and values.
 * @param hide takes secrets out of the texts that are found.
 */
export function findPaths(
  { element, paths }: AnswerShape,
  answer: string | null,
  hide: Mask,
): FoundAt[] | 'Fault' | null {
  const content = contentOf(answer);
  if (content === null) return null;
  if (faultVersion(content) !== null) return 'Fault';
  const places = placesIn(content, [nameOf(content)]);
  return Object.entries(paths).map(([field, path]) => {
    const isExpected = element?.ns === content.ns && element.name === content.name;
    const texts = isExpected ? textsAt(content, path).map(hide) : [];
    const last = path.at(-1)?.name;
    const elsewhere = texts.length > 0 ? [] : places.filter(({ name }) => name === last).map((place) => place.path);
    return { field, path: path.map(stepText).join('/'), texts, elsewhere: [...new Set(elsewhere)] };
  });
}

function contentOf(answer: string | null): XmlElement | null {
  // A multipart answer has more around its envelope.
  const envelope = /<(?:[\w.-]+:)?Envelope[\s>][^]*<\/(?:[\w.-]+:)?Envelope\s*>/.exec(answer ?? '');
  if (envelope === null) return null;
  try {
    return readEnvelope(envelope[0]).content;
  } catch (error) {
    if (error instanceof XmlError) return null;
    throw error;
  }
}

function stepText(step: AnswerPath[number]): string {
  return `${step.isAttribute ? '@' : ''}${nameOf(step)}`;
}

function placesIn(node: XmlElement, path: readonly string[]): { readonly name: string; readonly path: string }[] {
  const attributes = Object.keys(node.attributes).map((key) => ({
    name: key.replace(/^.*[:}]/, ''),
    path: [...path, `@${key}`].join('/'),
  }));
  const children = node.children.flatMap((child) => placesIn(child, [...path, nameOf(child)]));
  return [{ name: node.name, path: path.join('/') }, ...attributes, ...children];
}
