import { messageLimits, readXml, type XmlElement, XmlError } from './xml.ts';

/** The namespace of SOAP 1.1 envelopes. */
export const soapEnvelopeNamespace = 'http://schemas.xmlsoap.org/soap/envelope/';

/**
 * Reads a SOAP 1.1 envelope and returns the one element in its body. Anything else (another namespace, a second
 * element, text between the elements, more than `messageLimits`) is an XmlError.
 */
export function readSoapBody(text: string): XmlElement {
  const envelope = readXml(text, messageLimits);
  if (!isSoap(envelope, 'Envelope')) throw new XmlError(`is no SOAP 1.1 envelope but ${nameOf(envelope)}`);
  const [first, second] = envelope.children;
  const withHeader = first !== undefined && isSoap(first, 'Header');
  const body = withHeader ? second : first;
  if (body === undefined || !isSoap(body, 'Body')) throw new XmlError('has no SOAP body');
  if (envelope.children.length !== (withHeader ? 2 : 1)) throw new XmlError('has something beside the SOAP body');
  const [content] = body.children;
  if (content === undefined || body.children.length !== 1) {
    throw new XmlError(`has ${body.children.length} elements in its SOAP body instead of one`);
  }
  if (envelope.text.trim() !== '' || body.text.trim() !== '') throw new XmlError('has text between its elements');
  return content;
}

/** True where the body's element is a SOAP 1.1 Fault. */
export function isFault(content: XmlElement): boolean {
  return isSoap(content, 'Fault');
}

/** How an element is shown to people: {namespace}name. */
export function nameOf(element: { readonly ns: string; readonly name: string }): string {
  return element.ns === '' ? element.name : `{${element.ns}}${element.name}`;
}

function isSoap(element: XmlElement, name: string): boolean {
  return element.ns === soapEnvelopeNamespace && element.name === name;
}
