import { messageLimits, readXml, type XmlElement, XmlError } from './xml.ts';

export type SoapVersion = '1.1' | '1.2';

export interface QName {
  /** Empty: no namespace. */
  readonly ns: string;
  readonly name: string;
}

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
  const { content, ...rest } = readEnvelope(text);
  if (content === null) throw new XmlError('has 0 elements in its SOAP body instead of one', rest.at);
  return { content, ...rest };
}

/** The same, but the body may be empty: then `content` is null. */
export function readEnvelope(text: string): SoapContent {
  return contentOf(readXml(text, messageLimits));
}

function contentOf(envelope: XmlElement): SoapContent {
  const problems: XmlError[] = [];
  const content = readStructure(envelope, (problem) => problems.push(problem));
  const [first] = problems;
  if (first !== undefined) throw first;
  return content;
}

/** Reads an envelope as well as it can, and reports everything that is wrong with its own elements. */
export function readStructure(envelope: XmlElement, report: (problem: XmlError) => void): SoapContent {
  const { ns, name, at, children } = envelope;
  const version = versionOf(ns);
  const isEnvelope = version !== null && name === 'Envelope';
  if (!isEnvelope) report(new XmlError(`is no SOAP envelope but ${nameOf(envelope)}`, at));
  const isSoap = (element: XmlElement | undefined, wanted: string): boolean =>
    element?.ns === ns && element.name === wanted;
  const [first] = children;
  const header = isSoap(first, 'Header') ? first : undefined;
  const rest = header === undefined ? children : children.slice(1);
  const body = rest.find((one) => isSoap(one, 'Body')) ?? rest.find((one) => one.name.toLowerCase() === 'body');
  if (isEnvelope && !isSoap(body, 'Body')) {
    const other =
      body === undefined
        ? ''
        : body.name === 'Body'
          ? `, but a Body that is not in the namespace of its Envelope, ${ns}`
          : `, but <${body.name}>: write Body`;
    report(new XmlError(`has no SOAP body${other}`, body?.at ?? at));
  }
  for (const one of rest) {
    if (one === body) continue;
    const what = isSoap(one, 'Body')
      ? 'a second SOAP body'
      : isSoap(one, 'Header')
        ? 'a Header that is not the first element'
        : 'something besides the SOAP body';
    const meant =
      one.ns === ns && /^headers?$/.test(one.name.toLowerCase()) && one.name !== 'Header' ? ': write Header' : '';
    report(new XmlError(`has ${what}: ${nameOf(one)}${meant}`, one.at));
  }
  const [content = null, second] = body?.children ?? [];
  if (second !== undefined) {
    report(new XmlError(`has ${body?.children.length} elements in its SOAP body instead of one`, second.at));
  }
  const isMixed = (element: XmlElement | undefined): boolean => (element?.text ?? '').trim() !== '';
  if (isMixed(envelope) || isMixed(body)) report(new XmlError('has text between its elements', at));
  return { version: version ?? '1.1', at, content, headers: header?.children ?? [] };
}

/** The version of SOAP whose Fault the element is; null if it is none. */
export function faultVersion(content: XmlElement): SoapVersion | null {
  return content.name === 'Fault' ? versionOf(content.ns) : null;
}

/** What shows that the content of an envelope is not the whole answer to the message. */
export function contraryTo({ content, headers }: SoapContent, messageId: string): string | null {
  const isOther = ({ ns, name, text }: XmlElement): boolean =>
    name === 'RelatesTo' &&
    /addressing/.test(ns) &&
    !/unspecified\s*$/.test(text) &&
    !text.toLowerCase().includes(messageId);
  if (headers.some(isOther)) return 'relates to another message than the one that was sent';
  const isFault = (element: XmlElement): boolean => faultVersion(element) !== null || element.children.some(isFault);
  const inContent = content === null || faultVersion(content) !== null ? [] : content.children;
  return [...headers, ...inContent].some(isFault) ? 'has a Fault beside or in its answer' : null;
}

/** Whether a header belongs to the transport (addressing, security), and reports no failure. */
export function isOfTransport({ ns, name, text }: XmlElement): boolean {
  const isKnown =
    /^http:\/\/(?:docs\.oasis-open\.org|schemas\.xmlsoap\.org\/ws|www\.w3\.org\/\d+\/\d+\/addressing|schemas\.microsoft\.com)(?:\/|$)/;
  return isKnown.test(ns) && !(name === 'Action' && /\/(?:soap)?fault$/i.test(text.trim())) && !/fault/i.test(name);
}

function versionOf(ns: string): SoapVersion | null {
  if (ns === soapNamespaces['1.1']) return '1.1';
  return ns === soapNamespaces['1.2'] ? '1.2' : null;
}

/** How an element is shown to people: {namespace}name. */
export function nameOf(element: QName): string {
  return element.ns === '' ? element.name : `{${element.ns}}${element.name}`;
}
