import {
  type ErrorDetail,
  XmlBufferInputProvider,
  XmlDocument,
  xmlRegisterInputProvider,
  XmlValidateError,
  XsdValidator,
} from 'libxml2-wasm';
import { didYouMean } from '../platform/near-name.ts';
import { nameOf } from '../soap/envelope.ts';
import { escapeXml, fileLimits, readXml, type XmlElement } from '../soap/xml.ts';
import { elements, namespaceId, type SchemaDocument, type WsdlDocuments, wsdlNamespaces } from './wsdl-documents.ts';
import { writeLines } from './xml-lines.ts';

/** The schemas of a WSDL, as far as libxml2 can read them. */
export interface CompiledSchemas {
  /** null if nothing of them can be read. */
  readonly validator: XsdValidator | null;
  /** What was left out, as {namespace}name: messages that are or use it are not checked. */
  readonly leftOut: ReadonlySet<string>;
  /** What no validator can read, and what only libxml2 cannot read; each with file and line. */
  readonly mistakes: readonly string[];
  readonly unchecked: readonly string[];
}

/** Each round leaves something out. */
const roundsMax = 200;

/**
 * Compiles the schemas of a WSDL. A declaration that cannot be read is left out with all that refer to it, so that the
 * others still check their messages; an element or attribute whose type is nowhere takes anything.
 */
export function compileSchemas(wsdlFile: string, documents: WsdlDocuments): CompiledSchemas {
  const { schemas } = documents;
  const mistakes = new Set<string>();
  const unchecked = new Set<string>();
  const leftOut = new Set<string>();
  const result = (validator: XsdValidator | null): CompiledSchemas => ({
    validator,
    leftOut,
    mistakes: [...mistakes],
    unchecked: [...unchecked],
  });
  if (schemas.length === 0) {
    // A WSDL that is missing may have them.
    if (documents.missingWsdls().length === 0)
      unchecked.add(`${wsdlFile}:1: has no schemas; requests and answers are not checked`);
    return result(null);
  }
  let compiled = compile(schemas, ({ text }) => text);
  if (compiled instanceof XsdValidator) return result(compiled);
  const trees = new Map(schemas.map((schema) => [schema.id, readXml(schema.text, fileLimits)]));
  const removed = new Set<XmlElement>();
  for (let round = 0; round < roundsMax; round += 1) {
    const lines = new Map<string, readonly XmlElement[]>();
    compiled = compile(schemas, ({ id }) => {
      const { text, byLine } = writeLines(trees.get(id) as XmlElement, {
        namespaceOf: ({ ns }) => ns,
        isLeftOut: (element) => removed.has(element),
      });
      lines.set(id, byLine);
      return text;
    });
    if (compiled instanceof XsdValidator) return result(compiled);
    let isChanged = false;
    for (const { file = '', line, message } of compiled) {
      const schema = schemas.find(({ id }) => id === file);
      const element = lines.get(file)?.[line];
      const declaration = trees.get(file)?.children.find((one) => element !== undefined && isIn(one, element));
      if (schema === undefined || element === undefined || declaration === undefined) continue;
      if (removed.has(declaration)) continue;
      isChanged = true;
      const nowhere = /The QName value '([^']*)' does not resolve to a\(n\) (.*?)(?: definition| declaration)?\./.exec(
        message,
      );
      const [, missing = '', kind = ''] = nowhere ?? [];
      // What follows from something that is known.
      const isKnown =
        nowhere !== null && (leftOut.has(missing) || documents.missingOf(namespaceIn(missing)).length > 0);
      if (!isKnown) {
        const place = `${schema.file}:${lineOf(schema, element, trees, documents)}`;
        const problem =
          nowhere === null
            ? `this is no XML Schema: ${shown(message.trim())} Correct it`
            : `no schema has the ${kind} ${shown(missing)}; ${didYouMean(missing.replace(/^.*\}/, ''), namesIn(namespaceIn(missing), trees, schemas))}correct its name`;
        if (isMistake(message, element)) mistakes.add(`${place}: ${problem}`);
        else
          unchecked.add(
            `${place}: libxml2 cannot read this, so nothing that uses it is checked: ${shown(message.trim())}`,
          );
      }
      if (message.includes("attribute 'type': The QName") && 'type' in element.attributes) {
        delete (element.attributes as Record<string, string>)['type'];
        continue;
      }
      removed.add(declaration);
      const { name } = declaration.attributes;
      if (name !== undefined) leftOut.add(nameOf({ ns: schema.targetNamespace, name }));
    }
    if (!isChanged) break;
  }
  const said = compiled instanceof XsdValidator ? [] : compiled.map(({ message }) => message.trim());
  unchecked.add(
    `${wsdlFile}:1: its schemas cannot be read, so requests and answers are not checked: ${said.slice(0, 3).join('; ')}`,
  );
  return result(null);
}

const files: Record<string, Uint8Array> = {};
let isRegistered = false;

/** Returns the validator, or what libxml2 says against the schemas. */
function compile(
  schemas: readonly SchemaDocument[],
  textOf: (schema: SchemaDocument) => string,
): XsdValidator | readonly ErrorDetail[] {
  if (!isRegistered) isRegistered = xmlRegisterInputProvider(new XmlBufferInputProvider(files));
  const put = (id: string, text: string): void => {
    files[id] = Buffer.from(text);
  };
  for (const schema of schemas) put(schema.id, textOf(schema));
  const roots = Map.groupBy(
    schemas.filter(({ isRoot, isRedefined }) => isRoot && !isRedefined),
    ({ targetNamespace }) => targetNamespace,
  );
  for (const [namespace, own] of roots) {
    const includes = own.map(({ id }) => `<xs:include schemaLocation="${id}"/>`);
    put(namespaceId(namespace), driver(namespace, includes));
  }
  const imports = [...roots.keys()].map((namespace) => {
    const named = namespace === '' ? '' : ` namespace="${escapeXml(namespace)}"`;
    return `<xs:import${named} schemaLocation="${namespaceId(namespace)}"/>`;
  });
  try {
    using top = XmlDocument.fromString(driver('conax:/top', imports), { url: 'conax:/top' });
    return XsdValidator.fromDoc(top);
  } catch (error) {
    if (!(error instanceof XmlValidateError)) throw error;
    return error.details.filter(({ level }) => level > 1);
  } finally {
    for (const id in files) delete files[id];
  }
}

function driver(targetNamespace: string, content: readonly string[]): string {
  const target = targetNamespace === '' ? '' : ` targetNamespace="${escapeXml(targetNamespace)}"`;
  return `<xs:schema xmlns:xs="${wsdlNamespaces.xs}"${target}>${content.join('')}</xs:schema>`;
}

/** The line in the file: the elements of both readings are in the same order. */
function lineOf(
  { id, root, file }: SchemaDocument,
  element: XmlElement,
  trees: ReadonlyMap<string, XmlElement>,
  documents: WsdlDocuments,
): number {
  const tree = trees.get(id);
  const index = tree === undefined ? 0 : inOrder(tree).indexOf(element);
  const found = elements(root, 'descendant-or-self::*')[index];
  return found === undefined ? 1 : documents.lineOf(file, found);
}

function inOrder(element: XmlElement): XmlElement[] {
  return [element, ...element.children.flatMap(inOrder)];
}

function isIn(outer: XmlElement, element: XmlElement): boolean {
  return outer === element || outer.children.some((child) => isIn(child, element));
}

/** The names of the declarations of a namespace. */
function namesIn(
  namespace: string,
  trees: ReadonlyMap<string, XmlElement>,
  schemas: readonly SchemaDocument[],
): string[] {
  const own = schemas.filter(({ targetNamespace }) => targetNamespace === namespace);
  const names = own.flatMap(
    ({ id }) => trees.get(id)?.children.flatMap(({ attributes }) => attributes['name'] ?? []) ?? [],
  );
  return namespace === wsdlNamespaces.xs ? builtIn : names;
}

const builtIn =
  'string boolean decimal float double duration dateTime time date anyURI QName normalizedString token language NMTOKEN Name NCName ID integer nonPositiveInteger negativeInteger long int short byte nonNegativeInteger unsignedLong unsignedInt unsignedShort unsignedByte positiveInteger hexBinary base64Binary anyType anySimpleType'.split(
    ' ',
  );

function shown(text: string): string {
  return text.replaceAll(`{${wsdlNamespaces.xs}}`, 'xs:');
}

function namespaceIn(name: string): string {
  return /^\{(.*)\}/.exec(name)?.[1] ?? '';
}

/** What XML Schema 1.1 added: a schema may have it, and libxml2 reads 1.0. */
const newer =
  /^(?:assert|assertion|alternative|openContent|defaultOpenContent|override|explicitTimezone|dateTimeStamp|yearMonthDuration|dayTimeDuration|anyAtomicType|inheritable|notNamespace|notQName|defaultAttributes|defaultAttributesApply|xpathDefaultNamespace|appliesToEmpty)$/;

/** Whether no validator can read it, as far as the message says: what is doubtful is left to people. */
function isMistake(message: string, element: XmlElement): boolean {
  const isNewer = (name: string): boolean => newer.test(name);
  const named = /The QName value '([^']*)' does not resolve/.exec(message)?.[1];
  if (named !== undefined) return !isNewer(named.replace(/^.*\}/, ''));
  const attribute = /The attribute '([^']*)' is not allowed/.exec(message)?.[1];
  if (attribute !== undefined) return !isNewer(attribute);
  if (message.includes('The content is not valid'))
    return ![element, ...element.children].some(({ name }) => isNewer(name));
  return /no corresponding namespace declaration|is required but missing|The value '[^']*' is not valid\. Expected|of the facet '\w+' is not a valid '|must not be greater|definition is circular/.test(
    message,
  );
}
