import { readFileSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import { decodeText as decodeUtf8 } from '../platform/text.ts';
import { declaredEncoding, decodeText } from './charset.ts';
import type { ElementModel } from './content-model.ts';
import { readSchemas, resolve, type SchemaDocument, schemaNamespace, type Schemas } from './schema.ts';
import { fileLimits, readXml, type XmlElement } from './xml.ts';

const wsdlNamespace = 'http://schemas.xmlsoap.org/wsdl/';
const soapBindingNamespace = 'http://schemas.xmlsoap.org/wsdl/soap/';

/** One SOAP 1.1 document/literal operation of a WSDL file. */
export interface Operation {
  readonly name: string;
  readonly soapAction: string;
  /** The element in the body of the request, and of the answer. */
  readonly input: ElementModel;
  readonly output: ElementModel;
}

/**
 * Reads a WSDL file and everything that it imports from beside it, and gives its SOAP 1.1 operations by name.
 * An Error says which file or operation is wrong, and in what.
 */
export async function readWsdl(file: string): Promise<ReadonlyMap<string, Operation>> {
  const files = new Map<string, XmlElement>();
  const definitions: XmlElement[] = [];
  const schemaDocuments: SchemaDocument[] = [];
  const schemasSeen = new Set<string>();

  function open(path: string): XmlElement {
    const known = files.get(path);
    if (known !== undefined) return known;
    let root: XmlElement;
    try {
      root = readXml(readXmlFile(path), fileLimits);
    } catch (error) {
      throw new Error(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    files.set(path, root);
    return root;
  }

  async function addDefinitions(path: string): Promise<void> {
    if (files.has(path)) return;
    const root = open(path);
    if (root.ns !== wsdlNamespace || root.name !== 'definitions') throw new Error(`${path} is no WSDL 1.1 file`);
    definitions.push(root);
    for (const types of childrenNamed(root, 'types')) {
      for (const schema of types.children.filter((child) => isSchema(child))) {
        await addSchema(schema, schema.attributes['targetNamespace'] ?? '', path);
      }
    }
    for (const { attributes } of childrenNamed(root, 'import')) {
      if (attributes['location'] !== undefined)
        await addDefinitions(resolvePath(dirname(path), attributes['location']));
    }
  }

  async function addSchema(root: XmlElement, targetNamespace: string, path: string): Promise<void> {
    schemaDocuments.push({ root, targetNamespace });
    for (const child of root.children) {
      const location = child.attributes['schemaLocation'];
      if (child.ns !== schemaNamespace || !['import', 'include'].includes(child.name) || location === undefined)
        continue;
      const includedPath = resolvePath(dirname(path), location);
      const namespace = child.name === 'include' ? targetNamespace : child.attributes['namespace'];
      const key = `${namespace} ${includedPath}`;
      if (schemasSeen.has(key)) continue;
      schemasSeen.add(key);
      const included = open(includedPath);
      if (!isSchema(included)) throw new Error(`${includedPath} is no XML schema`);
      await addSchema(included, included.attributes['targetNamespace'] ?? namespace ?? '', includedPath);
    }
  }

  await addDefinitions(resolvePath(file));
  return operationsOf(definitions, readSchemas(schemaDocuments));
}

function operationsOf(definitions: readonly XmlElement[], schemas: Schemas): ReadonlyMap<string, Operation> {
  const named = (kind: string): Map<string, XmlElement> =>
    new Map(
      definitions.flatMap((root) => childrenNamed(root, kind)).map((node) => [node.attributes['name'] ?? '', node]),
    );
  const messages = named('message');
  const portTypes = named('portType');
  const operations = new Map<string, Operation>();
  for (const binding of named('binding').values()) {
    const soapBinding = binding.children.find((child) => isSoapBinding(child, 'binding'));
    if (soapBinding === undefined) continue;
    const portType = portTypes.get(localName(binding, binding.attributes['type']));
    for (const bound of childrenNamed(binding, 'operation')) {
      const name = bound.attributes['name'] ?? '';
      const soapOperation = bound.children.find((child) => isSoapBinding(child, 'operation'));
      const style = soapOperation?.attributes['style'] ?? soapBinding.attributes['style'] ?? 'document';
      if (style !== 'document') throw new Error(`operation ${name} is ${style} style, only document/literal is spoken`);
      const abstract = portType?.children.find(
        (child) => child.name === 'operation' && child.attributes['name'] === name,
      );
      if (abstract === undefined) throw new Error(`operation ${name} is in the binding and not in its port type`);
      operations.set(name, {
        name,
        soapAction: soapOperation?.attributes['soapAction'] ?? '',
        input: bodyElement(name, 'input', abstract, messages, schemas),
        output: bodyElement(name, 'output', abstract, messages, schemas),
      });
    }
  }
  if (operations.size === 0) throw new Error('the WSDL has no SOAP 1.1 binding with operations');
  return operations;
}

function bodyElement(
  operation: string,
  direction: 'input' | 'output',
  abstract: XmlElement,
  messages: ReadonlyMap<string, XmlElement>,
  schemas: Schemas,
): ElementModel {
  const [reference] = childrenNamed(abstract, direction);
  const message = reference && messages.get(localName(reference, reference.attributes['message']));
  const [part, second] = message === undefined ? [] : childrenNamed(message, 'part');
  const element = part?.attributes['element'];
  if (part === undefined || second !== undefined || element === undefined) {
    throw new Error(`the ${direction} of operation ${operation} is not one element, as document/literal has it`);
  }
  const [ns, name] = resolve(part, element);
  const model = schemas.element(ns, name);
  if (model === undefined)
    throw new Error(`the ${direction} of operation ${operation}, {${ns}}${name}, is in no schema`);
  return model;
}

function childrenNamed(node: XmlElement, name: string): XmlElement[] {
  return node.children.filter((child) => child.ns === wsdlNamespace && child.name === name);
}

function isSoapBinding(node: XmlElement, name: string): boolean {
  return node.ns === soapBindingNamespace && node.name === name;
}

function isSchema(node: XmlElement): boolean {
  return node.ns === schemaNamespace && node.name === 'schema';
}

function localName(node: XmlElement, qualifiedName: string | undefined): string {
  return qualifiedName === undefined ? '' : resolve(node, qualifiedName)[1];
}

/** A file in UTF-8, or in the encoding that its XML declaration names. */
function readXmlFile(path: string): string {
  const bytes = readFileSync(path);
  const encoding = declaredEncoding(bytes) ?? 'utf-8';
  return /^utf-?8$/i.test(encoding) ? decodeUtf8(bytes, 'the file') : decodeText(bytes, '');
}
