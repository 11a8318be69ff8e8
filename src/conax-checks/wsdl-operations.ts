import type { XmlElement } from 'libxml2-wasm';
import { type QName, type SoapVersion } from '../soap/envelope.ts';
import { elements, type WsdlDocuments } from './wsdl-documents.ts';
import { type DemandedToken, demandedToken, warnAboutPolicies, type WsdlPart } from './wsdl-policies.ts';
import { checkReferences, findIn, qname } from './wsdl-references.ts';

/** An operation of a port of a WSDL, as its SOAP binding has it. */
export interface WsdlOperation {
  readonly port: string;
  readonly name: string;
  readonly soapAction: string;
  readonly soapVersion: SoapVersion;
  readonly style: 'document' | 'rpc';
  /** The elements in the Body of request and answer; null if the WSDL names none, or several without a choice. */
  readonly input: QName | null;
  readonly output: QName | null;
  /** Whether the WSDL says that there is no answer, or an empty one. */
  readonly isAnswerEmpty: boolean;
  /** The elements that the binding demands in the Header of the request. */
  readonly headers: readonly QName[];
  /** The UsernameToken that the policies of port, binding, operation and message demand. */
  readonly token: DemandedToken | null;
  /** The address of the port; empty if there is none. */
  readonly address: string;
  /** The parts of its messages: one element, or the arguments of rpc style with their types. */
  readonly parts: { readonly input: readonly MessagePart[]; readonly output: readonly MessagePart[] };
  /** Where the binding has it. */
  readonly file: string;
  readonly line: number;
}

export interface MessagePart {
  readonly name: string;
  readonly element: QName | null;
  readonly type: QName | null;
}

/**
 * Returns the SOAP operations of the ports of a WSDL, or of its bindings if it has no ports. Names are resolved with their
 * namespaces: two imported WSDLs may use the same ones. The package `soap` mixes those up (decision 0007).
 * @throws FileError if a name in the WSDL has a prefix that is declared nowhere.
 */
export function readOperations(documents: WsdlDocuments, warnings: string[]): WsdlOperation[] {
  checkReferences(documents, warnings);
  const { definitions } = documents;
  const find = (path: string, name: QName | null) => findIn(documents, path, name);
  const warn = (file: string, line: number, problem: string, remedy: string): void => {
    const warning = `${file}:${line}: ${problem}, so it is not checked; ${remedy}`;
    if (!warnings.includes(warning)) warnings.push(warning);
  };
  const ports = definitions.flatMap(({ file, root }) =>
    elements(root, 'wsdl:service/wsdl:port').map((port) => ({
      service: port.parent === null ? [] : [{ file, found: port.parent }],
      own: [{ file, found: port }],
      port: port.attr('name')?.value ?? '',
      address: elements(port, 'soap11:address|soap12:address')[0]?.attr('location')?.value ?? '',
      binding: find('wsdl:binding', qname(port, 'binding')),
    })),
  );
  const bindings = definitions.flatMap(({ file, root }) =>
    elements(root, 'wsdl:binding').map((found) => ({
      service: [],
      own: [],
      port: found.attr('name')?.value ?? '',
      address: '',
      binding: { file, found },
    })),
  );
  return (ports.length > 0 ? ports : bindings).flatMap(({ port, own, address, service, binding }) => {
    if (binding === null) return [];
    const { file, found } = binding;
    const soapVersion = elements(found, 'soap11:binding').length > 0 ? '1.1' : '1.2';
    const prefix = soapVersion === '1.1' ? 'soap11' : 'soap12';
    const [soapBinding] = elements(found, `${prefix}:binding`);
    if (soapBinding === undefined) return [];
    const portType = find('wsdl:portType', qname(found, 'type'));
    const around = [binding, ...service, ...(portType === null ? [] : [portType])];
    for (const part of around) warnAboutPolicies(part, documents, warnings);
    return elements(found, 'wsdl:operation').map((operation): WsdlOperation => {
      const name = operation.attr('name')?.value ?? '';
      const [action] = elements(operation, `${prefix}:operation`);
      const style = action?.attr('style')?.value ?? soapBinding.attr('style')?.value ?? 'document';
      const line = documents.lineOf(file, operation);
      const abstract = abstractOf(operation, portType?.found);
      const same = portType === null ? [] : namedLike(operation, portType.found);
      if (abstract === undefined && same.length > 1) {
        const remedy = 'write the names of its input and output in the binding as in the portType';
        warn(
          file,
          line,
          `the portType has ${same.length} operations ${name}, and it is open which one is meant`,
          remedy,
        );
      }
      const messageOf = (side: 'input' | 'output'): QName | null => {
        const [message] = abstract === undefined ? [] : elements(abstract, `wsdl:${side}`);
        return message === undefined ? null : qname(message, 'message');
      };
      const ofRequest = (): WsdlPart[] => {
        const inputs = (one: XmlElement): XmlElement[] => [one, ...elements(one, 'wsdl:input')];
        const message = find('wsdl:message', messageOf('input'));
        return [
          ...inputs(operation).map((one) => ({ file, found: one })),
          ...(abstract === undefined ? [] : inputs(abstract)).map((one) => ({
            file: portType?.file ?? file,
            found: one,
          })),
          ...(message === null ? [] : [message]),
        ];
      };
      const isOutputThere = find('wsdl:message', messageOf('output')) !== null;
      const parts = (side: 'input' | 'output'): MessagePart[] => {
        const [body] = elements(operation, `wsdl:${side}//${prefix}:body`);
        const message = messageOf(side);
        const all = partsOf(find('wsdl:message', message)?.found);
        const named = body?.attr('parts')?.value.trim().split(/\s+/);
        if (named !== undefined) return all.filter((part) => named.includes(part.name));
        const headers = elements(operation, `wsdl:${side}//${prefix}:header`).filter((header) => {
          const of = qname(header, 'message');
          return of?.ns === message?.ns && of?.name === message?.name;
        });
        const inHeader = new Set(headers.map((header) => header.attr('part')?.value));
        return all.filter((part) => !inHeader.has(part.name));
      };
      const element = (side: 'input' | 'output'): QName | null => {
        if (style !== 'rpc') {
          const [first, ...more] = parts(side).filter((part) => part.element !== null);
          if (more.length === 0) return first?.element ?? null;
          const names = [first, ...more].map((part) => part?.name).join(', ');
          const problem = `the ${side} of operation ${name} has several elements (parts ${names}), and a SOAP body takes one`;
          warn(file, line, problem, `write parts="…" with the right one at its soap:body`);
          return null;
        }
        const [body] = elements(operation, `wsdl:${side}//${prefix}:body`);
        return { ns: body?.attr('namespace')?.value ?? '', name: side === 'input' ? name : `${name}Response` };
      };
      if (style !== 'rpc' && elements(operation, `.//${prefix}:body[@use="encoded"]`).length > 0) {
        const problem = `operation ${name} has use="encoded" in document style`;
        warn(file, line, problem, 'compare the template with a request of SoapUI');
      }
      const hasNoOutput = abstract !== undefined && elements(abstract, 'wsdl:output').length === 0;
      const headers = elements(operation, `wsdl:input//${prefix}:header`).flatMap((header) => {
        const all = partsOf(find('wsdl:message', qname(header, 'message'))?.found);
        const part = all.find((one) => one.name === header.attr('part')?.value);
        return part?.element ? [part.element] : [];
      });
      return {
        port,
        name,
        soapAction: action?.attr('soapAction')?.value ?? '',
        soapVersion,
        style: style === 'rpc' ? 'rpc' : 'document',
        input: element('input'),
        output: hasNoOutput ? null : element('output'),
        isAnswerEmpty: hasNoOutput || (style !== 'rpc' && isOutputThere && parts('output').length === 0),
        headers,
        token: demandedToken([...around, ...own, ...ofRequest()], documents),
        address,
        parts: { input: parts('input'), output: parts('output') },
        file,
        line,
      };
    });
  });
}

/** The operations of a portType that have the name of one of a binding: several if it is overloaded. */
function namedLike(operation: XmlElement, portType: XmlElement): XmlElement[] {
  const name = operation.attr('name')?.value;
  return elements(portType, 'wsdl:operation').filter((one) => one.attr('name')?.value === name);
}

/**
 * The operation of the portType that one of the binding stands for; undefined if there is none, or several. Overloaded ones
 * are told apart by the names of input and output, which have defaults (WSDL 1.1, 2.4.5).
 */
function abstractOf(operation: XmlElement, portType: XmlElement | undefined): XmlElement | undefined {
  const all = portType === undefined ? [] : namedLike(operation, portType);
  const [only, ...more] = all.length < 2 ? all : all.filter((one) => messageNames(one) === messageNames(operation));
  return more.length === 0 ? only : undefined;
}

function messageNames(operation: XmlElement): string {
  const name = operation.attr('name')?.value ?? '';
  const isTwoWay = elements(operation, 'wsdl:output').length > 0;
  const [input, output] = ['input', 'output'].map(
    (side) => elements(operation, `wsdl:${side}`)[0]?.attr('name')?.value,
  );
  return [input ?? (isTwoWay ? `${name}Request` : name), isTwoWay ? (output ?? `${name}Response`) : ''].join(' ');
}

function partsOf(message: XmlElement | undefined): MessagePart[] {
  if (message === undefined) return [];
  return elements(message, 'wsdl:part').map((part) => ({
    name: part.attr('name')?.value ?? '',
    element: qname(part, 'element'),
    type: qname(part, 'type'),
  }));
}
