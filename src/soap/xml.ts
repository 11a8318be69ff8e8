import { SaxesParser } from 'saxes';

/** One element as it was read: its namespace and name, its element children, and all its own text joined. */
export interface XmlElement {
  readonly ns: string;
  readonly name: string;
  /** By name, with the namespace in front if there is one: {namespace}name. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  readonly text: string;
  /** The namespace prefixes in force here; read them with `namespaceOf`. */
  readonly scope: NamespaceScope | null;
  /** Where its tag starts in the text. */
  readonly at: number;
}

/** The prefixes that one element declares, and those of the elements around it. A copy for each element costs n². */
interface NamespaceScope {
  readonly declared: Readonly<Record<string, string>>;
  readonly outer: NamespaceScope | null;
}

/** Returns the namespace of a prefix in an attribute value that is a qualified name; undefined if it is not declared. */
export function namespaceOf({ scope }: XmlElement, prefix: string): string | undefined {
  for (let at = scope; at !== null; at = at.outer) {
    if (at.declared[prefix] !== undefined) return at.declared[prefix];
  }
  return undefined;
}

/** The text is not the XML that was asked for; the message goes on after "the answer …" and holds a name of it at most. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
  /** Where in the text, if that is known. */
  readonly position: number;
  constructor(message: string, position = 0) {
    super(message);
    this.position = position;
  }
}

/** The most that a document may hold of each. Bytes alone do not bound the memory that a tree takes. */
export interface XmlLimits {
  readonly characters: number;
  readonly elements: number;
  /** Of one element, and of all together; namespace declarations count. */
  readonly attributesOfOne: number;
  readonly attributes: number;
  /** Entity and character references. */
  readonly references: number;
  readonly comments: number;
  readonly processingInstructions: number;
  readonly cdataSections: number;
}

/** Limits of SOAP messages, far above any real one: of 20,000 services of a card each has an element with a declaration. */
export const messageLimits: XmlLimits = {
  characters: 1 << 20,
  elements: 25_000,
  attributesOfOne: 250,
  attributes: 50_000,
  references: 25_000,
  comments: 1_000,
  processingInstructions: 100,
  cdataSections: 25_000,
};

/** Limits of files that the operator chose: only the depth is limited. */
export const fileLimits = Object.fromEntries(
  Object.keys(messageLimits).map((name) => [name, Infinity]),
) as unknown as XmlLimits;

const depthMax = 64;
/** Of what the parser says: it repeats names, however long they are. */
const saidMax = 200;
const noAttributes: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Reads one whole XML document: well formed, namespaces resolved, no document type (so no entities of its own), at most
 * 64 elements deep, within the limits. Anything else is an XmlError. Takes time and memory in proportion to the text.
 * @param onMalformed takes each place that is not well formed. If it returns, reading goes on as well as it can.
 */
export function readXml(text: string, limits: XmlLimits, onMalformed: (error: XmlError) => void = rethrow): XmlElement {
  if (text.length > limits.characters) throw tooMany(limits.characters, 'characters');
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: (Omit<XmlElement, 'text'> & { text: string })[] = [];
  /** Where the open elements start; and the one that was closed last. */
  const starts: { readonly name: string; readonly at: number }[] = [];
  let closed: (typeof starts)[number] | undefined;
  let root: XmlElement | undefined;
  let attributesOfOne = 0;
  const count = counter(limits);
  countReferences(text, count);
  let reportedAt = -1;
  /** What follows the root is not read. */
  let isOver = false;
  parser.on('error', ({ message }) => {
    if (isOver) return;
    isOver = message.startsWith('documents may contain only one root');
    const error = isOver ? new XmlError(secondRoot, starts.at(-1)?.at ?? parser.position) : malformed(message);
    // A closing tag that fits no open one is reported for each of them.
    const isSame = reportedAt === parser.position && !message.startsWith('unbound');
    reportedAt = parser.position;
    if (!isSame) onMalformed(error);
    if (message.startsWith('unmatched')) throw error;
  });
  function malformed(message: string): XmlError {
    const prefix = /^unbound namespace prefix: "(.*)"\.$/s.exec(message)?.[1]?.slice(0, saidMax);
    // Prefixes are looked up at the end of a tag.
    if (prefix !== undefined)
      return new XmlError(`is not well formed: the prefix ${prefix} is declared nowhere`, starts.at(-1)?.at);
    const isAtEnd = message.startsWith('unclosed tag');
    const unclosed = isAtEnd ? starts.at(-1) : message === 'unexpected close tag.' ? closed : undefined;
    const problem = unclosed === undefined ? message : `<${unclosed.name.slice(0, saidMax)}> is not closed`;
    return new XmlError(`is not well formed: ${problem.slice(0, saidMax + 20)}`, unclosed?.at ?? parser.position);
  }
  parser.on('doctype', () => {
    onMalformed(new XmlError('has a document type, which no SOAP message may have', parser.position));
  });
  parser.on('comment', () => count('comments', 'comments'));
  parser.on('processinginstruction', () => count('processingInstructions', 'processing instructions'));
  parser.on('opentagstart', ({ name }) => {
    attributesOfOne = 0;
    // The parser is after the name and the character after it.
    starts.push({ name, at: parser.position - name.length - 1 });
    count('elements', 'elements');
    if (open.length >= depthMax) throw new XmlError(`is more than ${depthMax} elements deep`);
  });
  // Counted one by one: a tag with 100,000 attributes must not be read to its end first.
  parser.on('attribute', () => {
    attributesOfOne += 1;
    if (attributesOfOne > limits.attributesOfOne) throw tooMany(limits.attributesOfOne, 'attributes in one element');
    count('attributes', 'attributes and namespace declarations');
  });
  parser.on('opentag', (tag) => {
    const parent = open.at(-1);
    const element = {
      ns: tag.uri,
      name: tag.local,
      attributes: attributesOf(tag.attributes),
      children: [],
      text: '',
      scope: scopeOf(parent?.scope ?? null, tag.ns),
      at: starts.at(-1)?.at ?? 0,
    };
    if (parent === undefined) root ??= element;
    else parent.children.push(element);
    open.push(element);
  });
  const addText = (chunk: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += chunk;
  };
  parser.on('text', addText);
  parser.on('cdata', (chunk) => {
    count('cdataSections', 'CDATA sections');
    addText(chunk);
  });
  parser.on('closetag', () => {
    open.pop();
    closed = starts.pop();
  });
  parser.write(text).close();
  if (root === undefined) throw new XmlError('has no element');
  return root;
}

/** What `onMalformed` gets for an element after the end of the root. */
export const secondRoot = 'has another element after its end';

function rethrow(error: XmlError): never {
  throw error;
}

type Count = (what: keyof XmlLimits, name: string) => void;

function counter(limits: XmlLimits): Count {
  const counts: Partial<Record<keyof XmlLimits, number>> = {};
  return (what, name) => {
    const number = (counts[what] ?? 0) + 1;
    if (number > limits[what]) throw tooMany(limits[what], name);
    counts[what] = number;
  };
}

function countReferences(text: string, count: Count): void {
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    count('references', 'entity and character references');
  }
}

function tooMany(limit: number, name: string): XmlError {
  return new XmlError(`has more than ${limit} ${name}`);
}

function attributesOf(
  attributes: Readonly<Record<string, { uri: string; local: string; value: string }>>,
): XmlElement['attributes'] {
  let plain: Record<string, string> | undefined;
  for (const key in attributes) {
    const attribute = attributes[key];
    if (attribute === undefined || key === 'xmlns' || key.startsWith('xmlns:')) continue;
    plain ??= {};
    plain[attribute.uri === '' ? attribute.local : `{${attribute.uri}}${attribute.local}`] = attribute.value;
  }
  return plain ?? noAttributes;
}

function scopeOf(outer: NamespaceScope | null, declared: Readonly<Record<string, string>>): NamespaceScope | null {
  for (const _ in declared) return { declared, outer };
  return outer;
}

/** Escapes text for an element or an attribute, in whichever quotation marks, so that it comes back exactly as it was, line ends included. */
export function escapeXml(text: string): string {
  return /[&<>"'\r\n\t]/.test(text)
    ? text.replaceAll(/[&<>"'\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`)
    : text;
}

/** True where every character of the text may stand in XML 1.0: no control characters, no half surrogates. */
export function fitsXml(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- the control characters are what is looked for
  return text.isWellFormed() && !/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/.test(text);
}
