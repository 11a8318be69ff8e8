import type { XmlElement } from '../soap/xml.ts';
import type { AnswerShape } from './cas-definition.types.ts';

/**
 * What a SOAP Fault says: the known code that its detail, its text or its code names, in this order; and whom it blames. Its
 * code counts with and without its prefix.
 */
export interface SoapFault {
  readonly code: string | null;
  readonly description: string;
  readonly isServer: boolean;
}

export function readFault(shape: AnswerShape, fault: XmlElement): SoapFault {
  // SOAP 1.1 and 1.2 name the same parts differently.
  const part = (...names: readonly string[]): SaidText[] => {
    const element = fault.children.find(({ name }) => names.includes(name));
    return element === undefined ? [] : textsOf(element);
  };
  const parts = [part('faultcode', 'Code'), part('faultstring', 'Reason'), part('detail', 'Detail')];
  const [codes = [], text = [], detail = []] = parts.map((texts) => texts.map(({ said }) => said));
  const said = [codes, text, detail]
    .map((texts) => texts.join(' '))
    .filter((one, i, all) => one !== '' && all.indexOf(one) === i);
  const description = said.join(': ') || 'a SOAP Fault that says nothing';
  const localCodes = codes.map((code) => code.slice(code.indexOf(':') + 1));
  const known = [...shape.refused, ...shape.tryLater, ...shape.notAuthorised];
  // Only a whole text is a code. A word in a longer one may be the echo of a message, or a line of a program.
  const code =
    known.find((one) =>
      parts[2]?.some(({ name, said: whole }) => whole === one && (isWord(one) || isCode.test(name))),
    ) ??
    known.find((one) => text.includes(one) || (isWord(one) && text.some((whole) => explains(whole, one)))) ??
    known.find((one) => codes.includes(one) || localCodes.includes(one)) ??
    null;
  return { code, description, isServer: /^(?:Server(?:\..*)?|Receiver)$/.test(localCodes[0] ?? '') };
}

/** A short code such as "5" may be any number in a detail, and the start of any text. */
function isWord(code: string): boolean {
  return /^(?=.{4})(?=.*[A-Za-z]{2})/.test(code);
}

const isCode = /(?:code|error|fault|status|detail)$/i;

/** Whether a text for people starts with the code that it explains. */
function explains(text: string, code: string): boolean {
  const rest = text.slice(code.length);
  // No sentence starts with a word like CLIENT_NOT_FOUND by chance.
  const isEnd = /^\s*(?:[:;|]|[,.–—-](?:\s|$))/.test(rest) || (code.includes('_') && /^\s/.test(rest));
  return text.startsWith(code) && isEnd;
}

/** A text of a Fault, with the name of its element or attribute. */
interface SaidText {
  readonly name: string;
  readonly said: string;
}

/** The texts of an element and those in it. An attribute counts if its name says that it explains the Fault. */
function textsOf({ name, text, attributes, children }: XmlElement): SaidText[] {
  const explaining = Object.entries(attributes).filter(([attribute]) =>
    /^\w*(?:code|error|fault|status|reason|message|text)$/i.test(attribute),
  );
  const own = [...explaining, [name, text] as const].map(([of, said]) => ({ name: of, said: said.trim() }));
  return [...own.filter(({ said }) => said !== ''), ...children.flatMap(textsOf)];
}
