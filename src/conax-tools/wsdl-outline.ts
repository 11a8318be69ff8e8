import { readWsdlDocuments } from '../conax-checks/wsdl-documents.ts';
import { type WsdlOperation as BoundOperation, readOperations } from '../conax-checks/wsdl-operations.ts';
import { nameOf, type QName, type SoapVersion } from '../soap/envelope.ts';
import { type Components, indexComponents } from './schema-components.ts';
import { type OutlineElement, outlineElement, outlineOfType } from './schema-outline.ts';

/** The elements of a request or an answer. */
export interface OutlineMessage {
  readonly headers: readonly OutlineElement[];
  /** The name of the element in the SOAP body, as the WSDL has it; null if that is not known. */
  readonly element: QName | null;
  /** The element itself; null if no schema that was read has it. */
  readonly body: OutlineElement | null;
}

/** An operation of a SOAP port. */
export interface OutlineOperation {
  readonly name: string;
  readonly port: string;
  readonly soapVersion: SoapVersion;
  readonly soapAction: string;
  /** Whether the WSDL has another SOAPAction for the same element, too, so that the right one must be written. */
  readonly isAmbiguous: boolean;
  /** The path of the port's address, with a leading slash and the query. */
  readonly path: string;
  readonly input: OutlineMessage;
  /** null if nothing is answered, or an empty Body. */
  readonly output: OutlineMessage | null;
}

export interface WsdlOutline {
  /** The WSDL and every file that it refers to, as far as they were found. */
  readonly files: readonly string[];
  readonly operations: readonly OutlineOperation[];
  /** What could not be read, or stands in no template, each with its remedy. */
  readonly remarks: readonly string[];
  readonly prefixes: ReadonlyMap<string, string>;
}

/**
 * Reads the operations of a WSDL, with outlines of their requests and answers. An operation that several ports have is
 * there once: the first SOAP 1.1 port counts. @throws Error if the file cannot be read.
 */
export function readOutline(wsdlFile: string): WsdlOutline {
  const documents = readWsdlDocuments(wsdlFile);
  try {
    const remarks = [...documents.mistakes, ...documents.warnings];
    const bound = readOperations(documents, remarks);
    const components = indexComponents(documents.schemas, remarks);
    const byVersion = bound.toSorted((a, b) => a.soapVersion.localeCompare(b.soapVersion));
    const kept = bound.filter((one) => byVersion.find(({ name }) => name === one.name) === one);
    const others = new Set(bound.filter((one) => !kept.some(({ port }) => port === one.port)).map(({ port }) => port));
    for (const port of others)
      remarks.push(`${wsdlFile}: port ${port} has operations of the same names; the ones of another port were taken`);
    if (kept.length === 0)
      remarks.push(`${wsdlFile}: no port or binding has SOAP operations; look whether it is the whole WSDL`);
    const operations = kept.map((one) => {
      const operation = chosenOf(one, bound, remarks);
      const isAmbiguous = bound.some(
        ({ input, soapVersion, soapAction }) =>
          input !== null &&
          input.name === operation.input?.name &&
          input.ns === operation.input.ns &&
          soapVersion === operation.soapVersion &&
          soapAction !== operation.soapAction,
      );
      return { ...outlineOperation(operation, components, remarks), isAmbiguous };
    });
    return { files: documents.files, operations, remarks: [...new Set(remarks)], prefixes: components.prefixes };
  } finally {
    documents.close();
  }
}

/** An operation that its port has several times: nobody knows which one its name means, so neither do its messages show. */
function chosenOf(operation: BoundOperation, bound: readonly BoundOperation[], remarks: string[]): BoundOperation {
  const { name, port, file, line } = operation;
  const lines = bound
    .filter((one) => one.name === name && one.port === port && one.file === file)
    .map((one) => one.line);
  if (lines.length < 2) return operation;
  const remedy = 'write the Body and the paths of the answer of the right one by hand';
  remarks.push(
    `${file}:${line}: the port ${port} has ${lines.length} operations ${name} (lines ${lines.join(', ')}); ${remedy}`,
  );
  return { ...operation, soapAction: '', input: null, output: null, isAnswerEmpty: false, headers: [] };
}

function outlineOperation(
  operation: BoundOperation,
  components: Components,
  remarks: string[],
): Omit<OutlineOperation, 'isAmbiguous'> {
  const { name, port, soapVersion, soapAction, address, style } = operation;
  const place = `${operation.file}:${operation.line}: operation ${name}`;
  const element = (wanted: QName | null): OutlineElement | null => {
    const found = wanted === null ? null : outlineElement(components, wanted);
    if (found === null && wanted !== null)
      remarks.push(`${place}: its element ${nameOf(wanted)} is in no schema that was read`);
    return found;
  };
  const body = (side: 'input' | 'output'): OutlineElement | null => {
    const root = operation[side];
    if (style !== 'rpc' || root === null) return element(root);
    const parts = operation.parts[side];
    const content = parts.flatMap((part) =>
      part.type === null ? [] : [outlineOfType(components, { ns: '', name: part.name }, part.type)],
    );
    return { ...outlineOfType(components, root, { ns: '', name: '' }), text: null, content };
  };
  const headers = operation.headers.flatMap((header) => element(header) ?? []);
  return {
    name,
    port,
    soapVersion,
    soapAction,
    path: pathOf(address),
    input: { headers, element: operation.input, body: body('input') },
    output: operation.isAnswerEmpty ? null : { headers: [], element: operation.output, body: body('output') },
  };
}

function pathOf(address: string): string {
  try {
    const { pathname, search } = new URL(address);
    return pathname + search;
  } catch {
    return '/';
  }
}
