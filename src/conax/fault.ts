import type { XmlElement } from '../soap/xml.ts';
import type { AnswerShape } from './answer-shape.ts';

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
  const part = (...names: readonly string[]): string[] => {
    const element = fault.children.find(({ name }) => names.includes(name));
    return element === undefined ? [] : textsOf(element);
  };
  const [codes, text, detail] = [part('faultcode', 'Code'), part('faultstring', 'Reason'), part('detail', 'Detail')];
  const said = [codes, text, detail]
    .map((texts) => texts.join(' '))
    .filter((one, i, all) => one !== '' && all.indexOf(one) === i);
  const description = said.join(': ') || 'a SOAP Fault that says nothing';
  const localCodes = codes.map((code) => code.slice(code.indexOf(':') + 1));
  const code = knownCodeIn(detail, shape) ?? knownCodeIn(text, shape) ?? knownCodeIn([...codes, ...localCodes], shape);
  return { code, description, isServer: /^(?:Server(?:\..*)?|Receiver)$/.test(localCodes[0] ?? '') };
}

/** A text that is a known code, else a word in a text. A short code such as "5" counts only if it is the whole text. */
function knownCodeIn(texts: readonly string[], { refused, tryLater, notAuthorised }: AnswerShape): string | null {
  const known = [...refused, ...tryLater, ...notAuthorised];
  const whole = known.find((code) => texts.includes(code));
  if (whole !== undefined) return whole;
  let first: { readonly code: string; readonly at: number } | null = null;
  const joined = texts.join(' ');
  for (const code of known) {
    if (!/^(?=.{4})(?=.*[A-Za-z]{2})/.test(code)) continue;
    const at = wordAt(joined, code);
    if (at >= 0 && (first === null || at < first.at)) first = { code, at };
  }
  return first?.code ?? null;
}

function wordAt(text: string, word: string): number {
  const isLetter = (character: string | undefined): boolean =>
    character !== undefined && /[\p{L}\p{N}_]/u.test(character);
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isLetter(text[at - 1]) && !isLetter(text[at + word.length])) return at;
  }
  return -1;
}

/** The texts of an element and those in it. An attribute counts if its name says that it explains the Fault. */
function textsOf({ text, attributes, children }: XmlElement): string[] {
  const explaining = Object.entries(attributes).filter(([name]) =>
    /^\w*(?:code|error|fault|status|reason|message|text)$/i.test(name),
  );
  const own = [...explaining.map(([, value]) => value.trim()), text.trim()].filter((one) => one !== '');
  return [...own, ...children.flatMap(textsOf)];
}
