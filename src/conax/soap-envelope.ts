import type { QName } from './answer-shape.ts';
import type { SoapVersion } from './cas-definition.types.ts';
import { messageLimits, readXml, type XmlElement, XmlError } from './xml.ts';

/** The namespaces of the envelopes of both versions of SOAP. */
export const soapNamespaces: Readonly<Record<SoapVersion, string>> = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
};

/** What stands in the Body of an envelope; `content` is null if it is empty. */
export interface SoapContent {
  readonly version: SoapVersion;
  /** Where the envelope starts in the text. */
  readonly at: number;
  readonly content: XmlElement | null;
  readonly headers: readonly XmlElement[];
}
export type SoapBody = SoapContent & { readonly content: XmlElement };

/**
 * Reads a SOAP envelope and returns the one element in its body. Anything else (another namespace, no element or a second
 * one, text between the elements, more than the limits) is an XmlError.
 */
export function readSoapBody(text: string): SoapBody {
  return soapBodyOf(readXml(text, messageLimits));
}

/** The same, but the body may be empty: then `content` is null. */
export function readEnvelope(text: string): SoapContent {
  return contentOf(readXml(text, messageLimits));
}

/** The same as `readSoapBody`, for XML that was read. */
export function soapBodyOf(envelope: XmlElement): SoapBody {
  const { content, ...rest } = contentOf(envelope);
  if (content === null) throw new XmlError('has 0 elements in its SOAP body instead of one', rest.at);
  return { content, ...rest };
}

function contentOf(envelope: XmlElement): SoapContent {
  const { at, children } = envelope;
  const version = versionOf(envelope.ns);
  if (version === null || envelope.name !== 'Envelope')
    throw new XmlError(`is no SOAP envelope but ${nameOf(envelope)}`, at);
  const isSoap = (element: XmlElement, name: string): boolean => element.ns === envelope.ns && element.name === name;
  const [first] = children;
  const withHeader = first !== undefined && isSoap(first, 'Header');
  const [body, surplus] = withHeader ? children.slice(1) : children;
  if (body === undefined || !isSoap(body, 'Body')) {
    const other =
      body?.name === 'Body' ? `, but a Body that is not in the namespace of its Envelope, ${envelope.ns}` : '';
    throw new XmlError(`has no SOAP body${other}`, body?.at ?? at);
  }
  if (surplus !== undefined) {
    const what = isSoap(surplus, 'Body') ? 'a second SOAP body' : 'something beside the SOAP body';
    throw new XmlError(`has ${what}: ${nameOf(surplus)}`, surplus.at);
  }
  const [content = null, second] = body.children;
  if (second !== undefined) {
    throw new XmlError(`has ${body.children.length} elements in its SOAP body instead of one`, second.at);
  }
  for (const { text: between, at: start } of [envelope, body])
    if (between.trim() !== '') throw new XmlError('has text between its elements', start);
  return { version, at, content, headers: withHeader ? first.children : [] };
}

/** The version of SOAP whose Fault the element is; null if it is none. */
export function faultVersion(content: XmlElement): SoapVersion | null {
  return content.name === 'Fault' ? versionOf(content.ns) : null;
}

/** The version of SOAP whose namespace it is. */
export function versionOf(ns: string): SoapVersion | null {
  if (ns === soapNamespaces['1.1']) return '1.1';
  return ns === soapNamespaces['1.2'] ? '1.2' : null;
}

/** How an element is shown to people: {namespace}name. */
export function nameOf(element: QName): string {
  return element.ns === '' ? element.name : `{${element.ns}}${element.name}`;
}
