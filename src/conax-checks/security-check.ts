import type { CommandType } from '../planning/command.ts';
import { fileLimits, readXml, type XmlElement, XmlError } from '../soap/xml.ts';
import type { Report } from './mistakes.ts';
import { sampleFields } from './samples.ts';
import { type ParsedTemplate, trace } from './template-parser.ts';

/** The login in a template. */
export interface TemplateSecurity {
  /** Secrets that are written into it as constants. */
  readonly secrets: readonly string[];
  /** Whether every request has a UsernameToken. */
  readonly hasToken: boolean;
}

/** Whether an element, attribute or parameter of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, ''));
}

const secretName =
  /(?:passw(?:or)?d|passwort|passphrase|passcode|pwd|secret|credentials?|(?:secret|api|access|auth|shared|private|pass)key|(?:access|api|auth|authentication|bearer|security|session)token)(?:value|text|\d+)?$|^(?:user|login)?(?:pass|pw)$/;

/** What a field sends in the samples: of a field with a secret, and of another one. */
const [secretField, otherField] = ['\uE000', '\uE001'];

/**
 * Checks the login in a template. Warns of secrets that are constants, and of what a CAS takes in one request
 * only. What breaks WS-Security, or needs a digest, is a mistake. Reports one problem several times if several samples have
 * it; no message has a secret.
 */
export function checkSecurity(
  type: CommandType,
  template: ParsedTemplate,
  report: Report,
  warn: Report,
): TemplateSecurity {
  const secrets = new Set<string>();
  let hasToken = true;
  const text = (field: string): string => (field === 'password' || field === 'pin' ? secretField : otherField);
  for (const values of [true, false].flatMap((entitled) => sampleFields(type, text, entitled))) {
    const sample = trace(template, values);
    const root = readAnything(sample.text);
    if (root === null) continue;
    for (const { secret, place, at } of constantsIn(root)) {
      secrets.add(secret);
      warn(
        template.file,
        sample.lineOf(at),
        `${place} has a secret as a constant, for everybody who can read this file; write {{password}} and set CONAX_PASSWORD. If the CAS wants another secret there, leave it: it is masked in everything that is kept or shown`,
      );
    }
    const headers = root.children.filter(({ name }) => name === 'Header').flatMap(({ children }) => children);
    checkHeaders(headers, {
      mistake: ({ at }, problem) => report(template.file, sample.lineOf(at), problem),
      warning: ({ at }, problem) => warn(template.file, sample.lineOf(at), problem),
    });
    hasToken &&= headers.some((header) => header.name === 'Security' && descendants(header).some(isToken));
  }
  return { secrets: [...secrets], hasToken };
}

/** What is wrong with its XML is reported already. */
function readAnything(text: string): XmlElement | null {
  try {
    return readXml(text, fileLimits, () => undefined);
  } catch (error) {
    if (error instanceof XmlError) return null;
    throw error;
  }
}

interface Constant {
  readonly secret: string;
  /** How people find it. */
  readonly place: string;
  readonly at: number;
}

const label = /^(?:name|key|id|param|parameter|property)$/i;
const value = /^(?:value|val|text|content|string|data)$/i;

/** The constants in an element whose name, or whose parameter's name, is that of a secret, and in all elements in it. */
function constantsIn({ name, attributes, children, text, at }: XmlElement): Constant[] {
  const own = Object.entries(attributes).map(([key, said]) => ({ key: key.replace(/^\{.*\}/, ''), said }));
  const labels = [
    ...own.filter(({ key }) => label.test(key)).map(({ said }) => said),
    ...children.filter((child) => label.test(child.name)).map((child) => child.text),
  ];
  const isSecret = [name, ...labels].some(isSecretName);
  const texts = isSecret
    ? [text, ...children.filter((child) => value.test(child.name)).map((child) => child.text)]
    : [];
  const said = own.filter(({ key }) => isSecretName(key) || (isSecret && value.test(key)));
  return [
    ...texts.flatMap(constants).map((secret) => ({ secret, place: `<${name}>`, at })),
    ...said.flatMap((one) =>
      constants(one.said).map((secret) => ({ secret, place: `the attribute ${one.key} of <${name}>`, at })),
    ),
    ...children.flatMap(constantsIn),
  ];
}

/** Returns the constant parts of a text: all of it, or the text around a field that is no secret, as in `{{username}}:abcd`. */
function constants(text: string): string[] {
  // A flag such as <ResetPassword>; the question mark of SoapUI is a mistake already.
  if (text.includes(secretField) || /^\s*(?:true|false|[01?])?\s*$/i.test(text)) return [];
  if (!text.includes(otherField)) return [text.trim()];
  const pieces = text.split(otherField).map((piece) => piece.replaceAll(/^[\s:;,/|=]+|[\s:;,/|=]+$/g, ''));
  return pieces.filter((piece) => piece.length > 3);
}

interface ReportAtElement {
  readonly mistake: (element: XmlElement, problem: string) => void;
  readonly warning: (element: XmlElement, problem: string) => void;
}

const secext = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const draft = /^http:\/\/schemas\.xmlsoap\.org\/ws\/\d{4}\/\d\d\/secext$/;
const ofSecext = new Set(['Security', 'UsernameToken', 'Username', 'Password', 'Nonce']);

/** WS-Security 1.0 (chapter 5) and its UsernameToken profile (chapter 3). */
function checkHeaders(headers: readonly XmlElement[], { mistake, warning }: ReportAtElement): void {
  const securities = headers.filter(({ ns, name }) => name === 'Security' && /secext/i.test(ns));
  for (const [, second] of Map.groupBy(securities, (one) => `${one.ns} ${actorOf(one)}`).values()) {
    if (second === undefined) continue;
    const remedy = 'write what it has into the first one, or give it another actor';
    mistake(second, `a second Security header for the same actor, which WS-Security forbids; ${remedy}`);
  }
  for (const header of headers) checkNamespaces(header, null, { mistake, warning });
  for (const element of securities.flatMap(descendants)) {
    const { name, text, attributes } = element;
    if (name === 'Password' && /PasswordDigest\s*$/.test(attributes['Type'] ?? '')) {
      const remedy =
        'write the Type …#PasswordText if the CAS takes it, or send through a gateway that makes the digest';
      mistake(element, `<Password> has the Type PasswordDigest, and the service makes no digest; ${remedy}`);
    } else if (['Nonce', 'Created', 'Expires'].includes(name) && text.trim() !== '' && !text.includes(otherField)) {
      const remedy = name === 'Created' ? 'write {{now}}, or remove it' : 'remove it';
      warning(
        element,
        `<${name}> is the same in every request, so the CAS may refuse it as old or repeated; ${remedy}`,
      );
    }
  }
}

/** SOAP 1.1 names it actor, SOAP 1.2 role; the last receiver is the same as none. */
function actorOf({ attributes }: XmlElement): string {
  const named = Object.keys(attributes).find((key) => /\}(?:actor|role)$/.test(key)) ?? '';
  return (attributes[named] ?? '').trim().replace(/^.*\/role\/ultimateReceiver$/, '');
}

/** Reports the outermost element of WS-Security that is in another namespace than the one of the standard. */
function checkNamespaces(element: XmlElement, around: XmlElement | null, at: ReportAtElement): void {
  const { ns, name, children } = element;
  const isMeant = /secext|\/wss\//i.test(ns) || around?.ns === secext;
  if (!ofSecext.has(name) || ns === secext || !isMeant) {
    for (const child of children) checkNamespaces(child, element, at);
    return;
  }
  const shown = ns === '' ? 'no namespace' : `the namespace ${ns}`;
  if (draft.test(ns)) {
    at.warning(element, `<${name}> is in ${shown} of a draft; write ${secext}, unless the CAS speaks this draft`);
  } else at.mistake(element, `<${name}> is in ${shown}, which is not that of WS-Security; write ${secext}`);
}

function descendants({ children }: XmlElement): XmlElement[] {
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function isToken({ name }: XmlElement): boolean {
  return name === 'UsernameToken';
}
