import type { AnswerStep } from '../soap/xml-path.ts';
import type { CasCommand } from '../conax/cas-definition.types.ts';
import { nameOf, soapNamespaces, type SoapVersion } from '../soap/envelope.ts';
import { escapeXml } from '../soap/xml.ts';

/** The fields of an answer; those that are null, or that the paths of the command do not name, are left out. */
export interface AnswerTexts {
  /** A code of this simulator's rules, or one that a fault rule demands. */
  readonly statusCode: string;
  /** Whether the status code is one of the rules, which each CAS spells in its own way. */
  readonly isOwnCode: boolean;
  readonly message: string;
  readonly referenceNumber: string;
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

/** An answer and its status code. */
export interface WrittenAnswer {
  readonly xml: string;
  readonly httpStatus: number;
  readonly statusCode: string;
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';

/**
 * Writes the answer of a command by the paths of conax.json, in their order. OK becomes the first code that means
 * success, a code that this CAS does not have its first refusal. A refusal by a CAS without a status code is a Fault.
 */
export function writeAnswer(command: CasCommand, texts: AnswerTexts): WrittenAnswer {
  const { answer, soapVersion } = command;
  const { success, refused, tryLater, element, emptySuccess, paths } = answer;
  const isSuccess = texts.statusCode === 'OK' || success.has(texts.statusCode);
  const statusCode = texts.isOwnCode ? spelled() : texts.statusCode;
  if (paths['statusCode'] === undefined && !isSuccess) {
    const text = texts.message || statusCode;
    const xml = writeFaultWithCode(command, { who: 'Client', text, code: statusCode, place: 'detail' });
    return { xml, httpStatus: 500, statusCode: 'SOAP_FAULT' };
  }
  if (element === null || (emptySuccess && Object.keys(paths).length === 0)) {
    return { xml: envelope(soapVersion, ''), httpStatus: 200, statusCode };
  }
  const values: Readonly<Record<string, readonly string[]>> = {
    ...texts.lists,
    statusCode: [statusCode],
    message: [texts.message],
    referenceNumber: [texts.referenceNumber],
  };
  const root: Written = { step: { ...element, isAttribute: false }, attributes: [], children: [], text: null };
  for (const [field, path] of Object.entries(paths)) for (const value of values[field] ?? []) put(root, path, value);
  return { xml: envelope(soapVersion, written(root)), httpStatus: 200, statusCode };

  function spelled(): string {
    if (isSuccess) return first(success) ?? texts.statusCode;
    const isKnown = refused.has(texts.statusCode) || tryLater.has(texts.statusCode);
    return isKnown ? texts.statusCode : (first(refused) ?? texts.statusCode);
  }
}

/** A Fault with only a text. */
export function writeFault(version: SoapVersion, who: 'Client' | 'Server', text: string): string {
  return fault(version, { who, text, subcode: null, detail: '' });
}

/**
 * A Fault that names a status code: in its detail, by the names that the command's answer has for code and message; or in
 * the code of the Fault itself, which SOAP 1.2 calls Subcode.
 */
export function writeFaultWithCode(
  { answer, body, soapVersion }: CasCommand,
  { who, text, code, place }: FaultWithCode,
): string {
  const { paths, element } = answer;
  const status = paths['statusCode']?.at(-1);
  const ns = status === undefined || status.isAttribute ? (element ?? body).ns : status.ns;
  if (place === 'faultcode') return fault(soapVersion, { who, text, subcode: { ns, code }, detail: '' });
  const inner = [
    [status?.name ?? 'StatusCode', code],
    [paths['message']?.at(-1)?.name ?? 'Message', text],
  ].map(([name, value = '']) => `<${name}>${escapeXml(value)}</${name}>`);
  const detail = `<ServiceFault xmlns="${escapeXml(ns)}">${inner.join('')}</ServiceFault>`;
  return fault(soapVersion, { who, text, subcode: null, detail });
}

export interface FaultWithCode {
  readonly who: 'Client' | 'Server';
  readonly text: string;
  readonly code: string;
  readonly place: 'detail' | 'faultcode';
}

interface FaultParts {
  readonly who: 'Client' | 'Server';
  readonly text: string;
  readonly subcode: { readonly ns: string; readonly code: string } | null;
  readonly detail: string;
}

function fault(version: SoapVersion, { who, text, subcode, detail }: FaultParts): string {
  const declared = subcode === null || subcode.ns === '' ? '' : ` xmlns:c="${escapeXml(subcode.ns)}"`;
  const own = subcode === null ? '' : `${declared === '' ? '' : 'c:'}${escapeXml(subcode.code)}`;
  if (version === '1.1') {
    const code = own === '' ? `soap:${who}` : own;
    const inner = detail === '' ? '' : `<detail>${detail}</detail>`;
    return envelope(
      version,
      `<soap:Fault${declared}><faultcode>${code}</faultcode><faultstring>${escapeXml(text)}</faultstring>${inner}</soap:Fault>`,
    );
  }
  const role = who === 'Client' ? 'Sender' : 'Receiver';
  const sub = own === '' ? '' : `<soap:Subcode><soap:Value>${own}</soap:Value></soap:Subcode>`;
  const inner = detail === '' ? '' : `<soap:Detail>${detail}</soap:Detail>`;
  return envelope(
    version,
    `<soap:Fault${declared}><soap:Code><soap:Value>soap:${role}</soap:Value>${sub}</soap:Code>` +
      `<soap:Reason><soap:Text xml:lang="en">${escapeXml(text)}</soap:Text></soap:Reason>${inner}</soap:Fault>`,
  );
}

export function envelope(version: SoapVersion, content: string): string {
  return `${declaration}<soap:Envelope xmlns:soap="${soapNamespaces[version]}"><soap:Body>${content}</soap:Body></soap:Envelope>`;
}

interface Written {
  readonly step: AnswerStep;
  readonly attributes: (readonly [AnswerStep, string])[];
  readonly children: Written[];
  text: string | null;
}

/** Puts a value at its path. A further value of a list repeats the element that holds it, not those around. */
function put(root: Written, path: readonly AnswerStep[], value: string): void {
  let at = root;
  for (const [index, step] of path.entries()) {
    if (index === 0) continue;
    const isLast = index === path.length - 1;
    if (step.isAttribute) {
      at.attributes.push([step, value]);
      return;
    }
    const next = path[index + 1];
    const last = at.children.findLast((child) => nameOf(child.step) === nameOf(step));
    const isTaken =
      last === undefined ||
      (isLast
        ? last.text !== null
        : next?.isAttribute === true && last.attributes.some(([one]) => nameOf(one) === nameOf(next)));
    const child = isTaken ? { step, attributes: [], children: [], text: null } : last;
    if (child !== last) at.children.push(child);
    at = child;
  }
  at.text = value;
}

function written(root: Written): string {
  const prefixes = new Map<string, string>();
  const nameIn = ({ ns, name }: AnswerStep): string => {
    if (ns === '') return name;
    let prefix = prefixes.get(ns);
    if (prefix === undefined) prefixes.set(ns, (prefix = `n${prefixes.size}`));
    return `${prefix}:${name}`;
  };
  const inner = ({ attributes, children, text }: Written): [string, string] => [
    attributes.map(([step, value]) => ` ${nameIn(step)}="${escapeXml(value)}"`).join(''),
    children.map(whole).join('') + escapeXml(text ?? ''),
  ];
  const whole = (one: Written): string => {
    const name = nameIn(one.step);
    const [attributes, content] = inner(one);
    return `<${name}${attributes}>${content}</${name}>`;
  };
  const name = nameIn(root.step);
  const [attributes, content] = inner(root);
  const declared = [...prefixes].map(([ns, prefix]) => ` xmlns:${prefix}="${escapeXml(ns)}"`).join('');
  return `<${name}${declared}${attributes}>${content}</${name}>`;
}

function first(codes: ReadonlySet<string>): string | undefined {
  const [code] = codes;
  return code;
}
