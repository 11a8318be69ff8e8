import { existsSync } from 'node:fs';
import { basename, dirname, resolve as resolvePath } from 'node:path';
import { ParseOption, XmlDocument, XmlElement, XmlParseError } from 'libxml2-wasm';
import { messageOf } from '../platform/errors.ts';
import { FileError, readBytes } from '../platform/files.ts';

export const wsdlNamespaces = {
  wsdl: 'http://schemas.xmlsoap.org/wsdl/',
  xs: 'http://www.w3.org/2001/XMLSchema',
  soap11: 'http://schemas.xmlsoap.org/wsdl/soap/',
  soap12: 'http://schemas.xmlsoap.org/wsdl/soap12/',
} as const;

/** One schema, as the validator gets it: its references name other documents by their ids. */
export interface SchemaDocument {
  readonly id: string;
  readonly file: string;
  readonly targetNamespace: string;
  /** Reached by an import or in a WSDL, and so part of its namespace; else only what includes it knows it. */
  isRoot: boolean;
  isRedefined: boolean;
  text: string;
  readonly root: XmlElement;
}

export interface WsdlDocuments {
  /** Every file that was read, the WSDL first. */
  readonly files: readonly string[];
  readonly definitions: readonly { readonly file: string; readonly root: XmlElement }[];
  readonly schemas: readonly SchemaDocument[];
  /** Files that nobody can read. */
  readonly mistakes: readonly string[];
  /** What could not be found. */
  readonly warnings: readonly string[];
  /** The line where the tag of an element starts. */
  lineOf(file: string, element: XmlElement): number;
  /** The WSDLs that could not be read, as they are referred to. */
  missingWsdls(): readonly string[];
  /** The files that could not be read and may declare something of the namespace: those WSDLs, too. */
  missingOf(namespace: string): readonly string[];
  close(): void;
}

/** The id of the document that includes every schema of a namespace. */
export function namespaceId(targetNamespace: string): string {
  return `conax:/namespace/${encodeURIComponent(targetNamespace)}`;
}

/**
 * Reads a WSDL file with every WSDL and schema that it refers to. Reads files only. For an address, it takes the file of
 * that name beside the WSDL, if there is one.
 * @throws FileError if the WSDL file itself cannot be read.
 */
export function readWsdlDocuments(wsdlFile: string): WsdlDocuments {
  const opened = new Map<string, XmlDocument>();
  const definitions: { readonly file: string; readonly root: XmlElement }[] = [];
  const schemas: SchemaDocument[] = [];
  const ofFile = new Map<string, SchemaDocument>();
  const sources = new Map<string, readonly string[]>();
  const mistakes: string[] = [];
  const warnings: string[] = [];
  const missingWsdls = new Set<string>();
  /** By the namespace that may be incomplete. */
  const missing = new Map<string, Set<string>>();
  const withoutLocation: { readonly namespace: string; readonly place: string }[] = [];

  function addMissing(namespace: string, name: string): void {
    missing.set(namespace, new Set([...(missing.get(namespace) ?? []), name]));
  }

  function open(file: string): XmlElement | null {
    const known = opened.get(file);
    if (known !== undefined) return known.root;
    try {
      const option = ParseOption.XML_PARSE_NO_XXE | ParseOption.XML_PARSE_NONET;
      const bytes = readBytes(file);
      const document = XmlDocument.fromBuffer(bytes, { url: file, option });
      opened.set(file, document);
      sources.set(file, bytes.toString('utf8').split('\n'));
      return document.root;
    } catch (error) {
      const problem = messageOf(error).trim().replaceAll(/\s+/g, ' ');
      if (error instanceof FileError) {
        if (file === wsdlFile) throw error;
        warnings.push(`${problem}; what it defines is not checked`);
        return null;
      }
      const line = error instanceof XmlParseError ? error.details[0]?.line : undefined;
      const message = `${file}:${line ?? 1}: is no XML: ${problem}; correct it`;
      if (file === wsdlFile) throw new FileError(message, { cause: error });
      mistakes.push(message);
      return null;
    }
  }

  // libxml2 knows only where a tag ends.
  function lineOf(file: string, { prefix, name, line }: XmlElement): number {
    const tag = new RegExp(String.raw`<${prefix === '' ? '' : `${prefix}:`}${name}(?![\w.:-])`);
    const from = (sources.get(file) ?? []).slice(0, line).findLastIndex((text) => tag.test(text));
    return from < 0 ? line : from + 1;
  }

  /** The file that a reference means; null after a warning. */
  function locate(reference: XmlElement, attribute: string, from: string): string | null {
    const location = reference.attr(attribute)?.value ?? '';
    const isAddress = /^[a-z][a-z\d+.-]+:\/\//i.test(location);
    const name = isAddress ? basename(new URL(location).pathname) : location;
    const file = resolvePath(dirname(from), decodeURIComponent(name));
    if ((!isAddress || file !== from) && name !== '' && existsSync(file)) return file;
    const remedy = isAddress
      ? `nothing is fetched; save it beside this file and write its file name into ${attribute}`
      : `the file is missing; put it beside this file and write its name into ${attribute}`;
    warnings.push(
      `${from}:${lineOf(from, reference)}: refers to ${location}: ${remedy}, or what it defines is not checked`,
    );
    return null;
  }

  function addWsdl(file: string): void {
    if (opened.has(file)) return;
    const root = open(file);
    if (root === null) {
      missingWsdls.add(basename(file));
      return;
    }
    if (root.namespaceUri === wsdlNamespaces.xs) {
      addSchemaFile(file, 'import');
      return;
    }
    if (root.namespaceUri !== wsdlNamespaces.wsdl || root.name !== 'definitions') {
      warnings.push(`${file}:1: is no WSDL 1.1 but {${root.namespaceUri}}${root.name}; nothing of it is checked`);
      return;
    }
    definitions.push({ file, root });
    for (const schema of elements(root, 'wsdl:types/xs:schema')) {
      for (const [prefix, namespace] of Object.entries(schema.namespaces)) {
        if (!Object.hasOwn(schema.nsDeclarations, prefix)) schema.addNsDeclaration(namespace, prefix);
      }
      addSchema({ file, isRoot: true, isRedefined: false }, schema);
    }
    for (const reference of elements(root, 'wsdl:import[@location]')) {
      const imported = locate(reference, 'location', file);
      if (imported === null) missingWsdls.add(reference.attr('location')?.value ?? '');
      else addWsdl(imported);
    }
  }

  function addSchemaFile(file: string, how: 'import' | 'include' | 'redefine'): SchemaDocument | null {
    const root = open(file);
    if (root === null) return null;
    const known = ofFile.get(file);
    if (known !== undefined) {
      known.isRoot ||= how === 'import';
      known.isRedefined ||= how === 'redefine';
      return known;
    }
    const place = { file, isRoot: how === 'import', isRedefined: how === 'redefine' };
    return addSchema(place, root, (schema) => ofFile.set(file, schema));
  }

  function addSchema(
    place: Pick<SchemaDocument, 'file' | 'isRoot' | 'isRedefined'>,
    root: XmlElement,
    remember: (schema: SchemaDocument) => void = () => undefined,
  ): SchemaDocument {
    const targetNamespace = root.attr('targetNamespace')?.value ?? '';
    const schema: SchemaDocument = { ...place, id: `conax:/schema/${schemas.length}`, targetNamespace, text: '', root };
    schemas.push(schema);
    remember(schema);
    for (const reference of elements(root, 'xs:import')) {
      const namespace = reference.attr('namespace')?.value ?? '';
      const location = reference.attr('schemaLocation')?.value;
      if (location !== undefined) {
        const file = locate(reference, 'schemaLocation', place.file);
        if (file === null || addSchemaFile(file, 'import') === null) addMissing(namespace, location);
      } else withoutLocation.push({ namespace, place: `${place.file}:${lineOf(place.file, reference)}` });
      // All schemas of the namespace, wherever they stand: libxml2 reads only the first import of each.
      setLocation(reference, namespaceId(namespace));
    }
    for (const reference of elements(root, 'xs:include|xs:redefine')) {
      const file = locate(reference, 'schemaLocation', place.file);
      const included = file === null ? null : addSchemaFile(file, reference.name as 'include' | 'redefine');
      if (included === null) {
        addMissing(targetNamespace, reference.attr('schemaLocation')?.value ?? '');
        reference.remove();
      } else setLocation(reference, included.id);
    }
    schema.text = root.toString({ format: false });
    return schema;
  }

  addWsdl(wsdlFile);
  for (const { namespace, place } of withoutLocation) {
    if (builtIn.has(namespace) || schemas.some(({ targetNamespace }) => targetNamespace === namespace)) continue;
    addMissing(namespace, `the schema of ${namespace}`);
    const remedy = 'put the schema beside the WSDL, and write its file name into schemaLocation';
    warnings.push(`${place}: imports ${namespace}, which no schema has; ${remedy}, or what it defines is not checked`);
  }
  return {
    files: [...opened.keys()],
    definitions,
    schemas,
    mistakes,
    warnings,
    lineOf,
    missingWsdls: () => [...missingWsdls],
    missingOf: (namespace) => [...missingWsdls, ...(missing.get(namespace) ?? [])],
    close: () => {
      for (const document of opened.values()) document.dispose();
    },
  };
}

/** Namespaces that every schema may import, although no file has them. */
const builtIn = new Set<string>(['http://www.w3.org/XML/1998/namespace', wsdlNamespaces.xs]);

/** The library would put a new attribute into the default namespace, beside the one that is there. */
function setLocation(reference: XmlElement, location: string): void {
  const attribute = reference.attr('schemaLocation');
  if (attribute === null) reference.setAttr('schemaLocation', location);
  else attribute.value = location;
}

/** The elements that an XPath with the prefixes of `wsdlNamespaces` finds. */
export function elements(from: XmlElement, path: string): XmlElement[] {
  return from.find(path, wsdlNamespaces).filter((node) => node instanceof XmlElement);
}
