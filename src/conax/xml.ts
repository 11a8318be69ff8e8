import { SaxesParser } from 'saxes';

/** One element as it was read: its namespace and name, its element children, and all its own text joined. */
export interface XmlElement {
  readonly ns: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  readonly text: string;
  /** The namespace prefixes in force here, for attribute values that are qualified names. */
  readonly prefixes: Readonly<Record<string, string>>;
}

/** The text is not the XML that was asked for; the message goes on after "the answer …" and never holds the text. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
}

const depthMax = 64;
const noAttributes: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Reads one whole XML document: well formed, namespaces resolved, no document type (so no entities of its own), at
 * most 64 elements deep. Anything else is an XmlError.
 */
export function readXml(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: (Omit<XmlElement, 'text'> & { text: string })[] = [];
  let root: XmlElement | undefined;
  parser.on('error', (error) => {
    throw new XmlError(`is not well formed: ${error.message}`);
  });
  parser.on('doctype', () => {
    throw new XmlError('has a document type, which no answer may have');
  });
  parser.on('opentag', (tag) => {
    if (open.length >= depthMax) throw new XmlError(`is more than ${depthMax} elements deep`);
    const parent = open.at(-1);
    const element = {
      ns: tag.uri,
      name: tag.local,
      attributes: attributesOf(tag.attributes),
      children: [],
      text: '',
      prefixes: prefixesOf(parent?.prefixes, tag.ns),
    };
    if (parent === undefined) root = element;
    else parent.children.push(element);
    open.push(element);
  });
  const addText = (chunk: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += chunk;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(text).close();
  if (root === undefined) throw new XmlError('has no element');
  return root;
}

function attributesOf(attributes: Readonly<Record<string, { name: string; value: string }>>): XmlElement['attributes'] {
  let plain: Record<string, string> | undefined;
  for (const key in attributes) {
    const attribute = attributes[key];
    if (attribute === undefined || key === 'xmlns' || key.startsWith('xmlns:')) continue;
    plain ??= {};
    plain[attribute.name] = attribute.value;
  }
  return plain ?? noAttributes;
}

function prefixesOf(
  outer: Readonly<Record<string, string>> | undefined,
  declared: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  for (const _ in declared) return { ...outer, ...declared };
  return outer ?? {};
}

/** Escapes text for an element so that it comes back exactly as it was, line ends included. */
export function escapeXml(text: string): string {
  return /[&<>"\r\n\t]/.test(text)
    ? text.replaceAll(/[&<>"\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`)
    : text;
}

/** True where every character of the text may stand in XML 1.0: no control characters, no half surrogates. */
export function fitsXml(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- the control characters are what is looked for
  return text.isWellFormed() && !/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/.test(text);
}
