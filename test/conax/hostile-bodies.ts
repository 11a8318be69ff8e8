import type { Random } from '../support/random.ts';
import { okAnswer, soap } from './support.ts';

/** Makes an answer of about so many bytes. */
type Maker = (bytes: number, random: Random) => string | Buffer;

/** Fills an answer's Message with as many repetitions as fit. */
function filled(bytes: number, piece: (index: number) => string): string {
  const pieces: string[] = [];
  for (let length = 0; length < bytes; length += pieces.at(-1)?.length ?? 1) pieces.push(piece(pieces.length));
  return okAnswer().replace('done', () => pieces.join(''));
}

/** A plain answer: the measure of what a byte costs. */
export function plainBody(bytes: number): string {
  return filled(bytes, (index) => `<p>${100_000 + index}</p>`);
}

/** Answers that somebody made to cost more than their bytes; each keeps the same order of size. */
export const hostileBodies: Readonly<Record<string, Maker>> = {
  'namespaces on one element and children with one more': (bytes) => {
    const n = Math.ceil(bytes / 32);
    const declared = Array.from({ length: n }, (_, i) => `xmlns:p${i}="u"`).join(' ');
    return okAnswer().replace('done', `<d ${declared}>${'<e xmlns:q="u"/>'.repeat(n)}</d>`);
  },
  'as many namespaces as allowed, and children that use the outermost': (bytes) => {
    const declared = Array.from({ length: 240 }, (_, i) => `xmlns:p${i}="u"`).join(' ');
    const nested = Array.from({ length: 50 }, (_, i) => `<n xmlns:q${i}="u">`).join('');
    return okAnswer().replace(
      'done',
      `<d ${declared}>${nested}${'<p0:e p1:a=""/>'.repeat(Math.ceil(bytes / 16))}${'</n>'.repeat(50)}</d>`,
    );
  },
  'a namespace on each element': (bytes) => filled(bytes, () => '<e xmlns:q="u"/>'),
  'attributes on one element': (bytes) =>
    okAnswer().replace('done', `<d ${Array.from({ length: bytes / 10 }, (_, i) => `a${i}=""`).join(' ')}/>`),
  'attributes with one local name': (bytes) => {
    const n = Math.ceil(bytes / 26);
    const prefixes = Array.from({ length: n }, (_, i) => `xmlns:p${i}="u${i}" p${i}:a=""`).join(' ');
    return okAnswer().replace('done', `<d ${prefixes}/>`);
  },
  'an attribute on each element': (bytes) => filled(bytes, () => '<e a="b"/>'),
  'empty elements': (bytes) => filled(bytes, () => '<e/>'),
  'nested elements': (bytes) => filled(bytes, () => `${'<e>'.repeat(50)}${'</e>'.repeat(50)}`),
  'elements without an end': (bytes) => '<a>'.repeat(bytes / 3),
  'only opening brackets': (bytes) => '<'.repeat(bytes),
  'only ampersands': (bytes) => filled(bytes, () => '&'),
  'character references': (bytes) => filled(bytes, () => '&#65;'),
  'an endless reference': (bytes) => okAnswer().replace('done', `&${'a'.repeat(bytes)}`),
  comments: (bytes) => filled(bytes, () => '<!---->'),
  'a comment full of dashes': (bytes) => okAnswer().replace('done', `<!--${'- '.repeat(bytes / 2)}-->`),
  'a comment without an end': (bytes) => okAnswer().replace('done', `<!--${'-'.repeat(1)}${' -'.repeat(bytes / 2)}`),
  'processing instructions': (bytes) => filled(bytes, () => '<?a?>'),
  'CDATA sections': (bytes) => filled(bytes, () => '<![CDATA[]]>'),
  'a CDATA section full of brackets': (bytes) => okAnswer().replace('done', `<![CDATA[${'] ]'.repeat(bytes / 3)}]]>`),
  'closing brackets': (bytes) => filled(bytes, () => ']]>'),
  'a long name': (bytes) => okAnswer().replace('done', `<${'a'.repeat(bytes)}/>`),
  'a name full of colons': (bytes) => okAnswer().replace('done', `<${'a:'.repeat(bytes / 2)}/>`),
  'a long attribute': (bytes) => okAnswer().replace('done', `<e a="${'&lt; '.repeat(bytes / 5)}"/>`),
  'a long text': (bytes) => okAnswer().replace('done', 'x'.repeat(bytes)),
  blanks: (bytes) => filled(bytes, () => ' \r\n'),
  'blanks before the document': (bytes) => ' '.repeat(bytes) + okAnswer(),
  'a document type': (bytes) => `<!DOCTYPE a [${'<!ENTITY e "e">'.repeat(bytes / 15)}]>${okAnswer()}`,
  digits: (bytes) => filled(bytes, (index) => `${index}<a>&nbsp;</a>. `),
  base64: (bytes) => filled(bytes, () => 'MTIzNDEyMzQ= '),
  'a Fault with nested texts': (bytes) =>
    soap(`<s:Fault><detail>${`${'<e>x'.repeat(50)}${'</e>'.repeat(50)}`.repeat(bytes / 400)}</detail></s:Fault>`),
  'a Fault full of codes': (bytes) =>
    soap(`<s:Fault><faultstring>${'CLIENT_NOT_FOUND_'.repeat(bytes / 17)}</faultstring></s:Fault>`),
  'random bytes': (bytes, random) => Buffer.from(Array.from({ length: bytes }, () => random.int(256))),
  'random markup': (bytes, random) => {
    const pieces = ['<', '>', '</', '/>', '<!--', '-->', '<![CDATA[', ']]>', '<?', '?>', '&', ';', '"', "'", '=', ' '];
    const names = ['a', 'xmlns', ':', 'xmlns:a="b"', '<a>', '</a>', '&lt;', '&#1;', '\u0000', '\uFFFF', 'é'];
    return okAnswer().replace('done', () =>
      Array.from({ length: bytes / 3 }, () => random.pick([...pieces, ...names])).join(''),
    );
  },
  'a plain answer with a few characters changed': (bytes, random) => {
    const body = Buffer.from(plainBody(bytes));
    for (let i = 0; i < 5; i += 1) body[random.int(body.length)] = random.int(256);
    return body;
  },
};
