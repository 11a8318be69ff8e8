import type { QName } from './answer-shape.ts';
import type { SoapVersion } from './cas-definition.ts';
import { messageLimits, readXml, type XmlElement, XmlError, type XmlLimits } from './xml.ts';

/** The namespaces of the envelopes of both versions of SOAP. */
export const soapNamespaces: Readonly<Record<SoapVersion, string>> = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
};

/** What stands in the Body of an envelope; `content` is null if it is empty. */
export interface SoapContent {
  readonly version: SoapVersion;
  readonly content: XmlElement | null;
  readonly headers: readonly XmlElement[];
}
export type SoapBody = SoapContent & { readonly content: XmlElement };

/**
 * Reads a SOAP envelope and returns the one element in its body. Anything else (another namespace, no element or a second
 * one, text between the elements, more than the limits) is an XmlError.
 */
export function readSoapBody(text: string, limits: XmlLimits = messageLimits): SoapBody {
  const { version, content, headers } = readEnvelope(text, limits);
  if (content === null) throw new XmlError('has 0 elements in its SOAP body instead of one');
  return { version, content, headers };
}

/** The same, but the body may be empty: then `content` is null. */
export function readEnvelope(text: string, limits: XmlLimits = messageLimits): SoapContent {
  const envelope = readXml(text, limits);
  const version = versionOf(envelope.ns);
  if (version === null || envelope.name !== 'Envelope')
    throw new XmlError(`is no SOAP envelope but ${nameOf(envelope)}`);
  const isSoap = (element: XmlElement, name: string): boolean => element.ns === envelope.ns && element.name === name;
  const [first, second] = envelope.children;
  const withHeader = first !== undefined && isSoap(first, 'Header');
  const body = withHeader ? second : first;
  if (body === undefined || !isSoap(body, 'Body')) throw new XmlError('has no SOAP body');
  if (envelope.children.length !== (withHeader ? 2 : 1)) throw new XmlError('has something beside the SOAP body');
  const [content = null] = body.children;
  if (body.children.length > 1) {
    throw new XmlError(`has ${body.children.length} elements in its SOAP body instead of one`);
  }
  if (envelope.text.trim() !== '' || body.text.trim() !== '') throw new XmlError('has text between its elements');
  return { version, content, headers: withHeader ? first.children : [] };
}

/** The version of SOAP whose Fault the element is; null if it is none. */
export function faultVersion(content: XmlElement): SoapVersion | null {
  return content.name === 'Fault' ? versionOf(content.ns) : null;
}

function versionOf(ns: string): SoapVersion | null {
  if (ns === soapNamespaces['1.1']) return '1.1';
  return ns === soapNamespaces['1.2'] ? '1.2' : null;
}

/** How an element is shown to people: {namespace}name. */
export function nameOf(element: QName): string {
  return element.ns === '' ? element.name : `{${element.ns}}${element.name}`;
}
