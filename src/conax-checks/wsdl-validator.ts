import { ParseOption, XmlDocument, XmlElement, XmlValidateError, type XsdValidator } from 'libxml2-wasm';
import { nameOf, type QName } from '../soap/envelope.ts';
import { compileSchemas } from './schema-compiler.ts';
import { createGaps, type Gap } from './schema-gaps.ts';
import { readWsdlDocuments } from './wsdl-documents.ts';
import { readOperations, type WsdlOperation } from './wsdl-operations.ts';

/** What the schemas of a WSDL say against a message. */
export interface Problem {
  /** The line, in the message, of the element that it is about. */
  readonly line: number;
  readonly text: string;
  /** If an element stands where it may not: the element, and those that may stand there. */
  readonly unexpected: { readonly element: QName; readonly expected: readonly QName[] } | null;
  /** The element of the Body, if no schema declares it. */
  readonly undeclared: QName | null;
}

export interface Validator {
  readonly operations: readonly WsdlOperation[];
  /** The namespaces of its schemas. */
  readonly namespaces: ReadonlySet<string>;
  /** False if the schemas could not be read: then nothing is checked, and a warning says why. */
  readonly hasSchemas: boolean;
  /** What no validator can read, with file and line. */
  readonly mistakes: readonly string[];
  /** What is not checked, and why. */
  readonly unchecked: readonly string[];
  /** The WSDLs that it imports and that could not be read. */
  readonly missingWsdls: readonly string[];
  /** Returns why messages of an element are not checked, or only in part; null if they are. */
  gapOf(element: QName): Gap | null;
  /**
   * Returns the problems of the elements in the Body of an envelope, and of those in its Header that a schema declares.
   * The message is well-formed XML.
   */
  validate(envelope: string): Problem[];
  close(): void;
}

/**
 * Reads a WSDL file with its schemas; libxml2 checks messages against them. Nothing is fetched from the network. What
 * cannot be read is named: as a mistake if nobody can read it, else as not checked, since the templates say what is sent.
 * @throws Error if the WSDL file itself cannot be read, or a name in it has a prefix that is declared nowhere.
 */
export function openValidator(wsdlFile: string): Validator {
  const documents = readWsdlDocuments(wsdlFile);
  try {
    const unchecked = [...documents.warnings];
    const operations = readOperations(documents, unchecked);
    const { validator, leftOut, ...found } = compileSchemas(wsdlFile, documents);
    const isUnknown = (element: QName): boolean =>
      leftOut.has(nameOf(element)) || documents.missingOf(element.ns).length > 0;
    const isComplete = leftOut.size + documents.warnings.length + documents.mistakes.length === 0;
    const gapOf = isComplete ? () => null : createGaps(documents, leftOut);
    return {
      operations,
      namespaces: new Set(documents.schemas.map(({ targetNamespace }) => targetNamespace)),
      hasSchemas: validator !== null,
      mistakes: [...documents.mistakes, ...found.mistakes],
      unchecked: [...unchecked, ...found.unchecked],
      missingWsdls: documents.missingWsdls(),
      gapOf: (element) =>
        validator === null ? { isWhole: true, missing: documents.missingOf(element.ns) } : gapOf(element),
      validate: (envelope) => (validator === null ? [] : problemsOf(validator, envelope, isUnknown)),
      close: () => validator?.dispose(),
    };
  } finally {
    documents.close();
  }
}

const undeclared = /No matching global declaration available/;

function problemsOf(validator: XsdValidator, envelope: string, isUnknown: (element: QName) => boolean): Problem[] {
  const option = ParseOption.XML_PARSE_NO_XXE | ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_BIG_LINES;
  using document = XmlDocument.fromString(envelope, { option });
  const problems: Problem[] = [];
  for (const part of document.root.find('*/*')) {
    if (!(part instanceof XmlElement)) continue;
    const isHeader = part.parent?.name === 'Header';
    try {
      validator.validate(part);
    } catch (error) {
      if (!(error instanceof XmlValidateError)) throw error;
      for (const { line, message } of error.details) {
        const text = message.trim();
        if (!undeclared.test(text)) problems.push({ line, text, unexpected: unexpectedIn(text), undeclared: null });
        else if (!isHeader && !isUnknown({ ns: part.namespaceUri, name: part.name })) {
          const element = { ns: part.namespaceUri, name: part.name };
          problems.push({
            line,
            text: `the WSDL has no element ${nameOf(element)}.`,
            unexpected: null,
            undeclared: element,
          });
        }
      }
    }
  }
  return problems;
}

/** A problem's text for people: a namespace that all its names have is left out. */
export function withoutNamespace(text: string): string {
  const [first, ...others] = new Set(text.match(/\{[^{}]*\}(?=[\p{L}_])/gu));
  return first === undefined || others.length > 0 ? text : text.replaceAll(first, '');
}

/** Reads "Element '{ns}x': This element is not expected. Expected is one of ( {ns}a, {ns}b )."; wildcards are left out. */
function unexpectedIn(text: string): Problem['unexpected'] {
  const [, name = '', list = ''] =
    /^Element '([^']*)': This element is not expected\.(?: Expected is(?: one of)? \( (.*) \))?/.exec(text) ?? [];
  const [element] = namesIn(name);
  return element === undefined ? null : { element, expected: list.split(/,\s+/).flatMap(namesIn) };
}

function namesIn(text: string): QName[] {
  const [, ns = '', name] = /^(?:\{([^*#]*)\})?([\p{L}_][\p{L}\p{N}._-]*)$/u.exec(text) ?? [];
  return name === undefined ? [] : [{ ns, name }];
}
