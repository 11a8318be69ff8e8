import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { classify } from '../../src/conax/answer.ts';
import type { ConaxAnswer } from '../../src/conax/client.types.ts';
import { recordedText } from '../../src/platform/masking.ts';
import { createPinMask } from '../../src/platform/pin-masking.ts';
import { legibleText } from '../../src/soap/charset.ts';
import { messageLimits } from '../../src/soap/xml.ts';
import { randomFrom } from '../support/random.ts';
import { hostileBodies, plainBody } from './hostile-bodies.ts';
import { okAnswer, ownCommands, said, soap } from './support.ts';

const seed = Number(process.env['CONAX_SEED'] ?? Date.now() % 1e6);
const contentType = 'text/xml; charset=utf-8';

let commands: Awaited<ReturnType<typeof ownCommands>>;
beforeAll(async () => {
  commands = await ownCommands();
});

function answerTo(body: string | Buffer): ConaxAnswer {
  const outcome = { kind: 'answered', status: 200, contentType, body: Buffer.from(body) } as const;
  return classify(commands.ADD_SUBSCRIPTIONS, null, outcome);
}

/** Everything that is done with a body: judged, and kept with its digits masked, as after a command with a PIN. */
function take(body: string | Buffer): void {
  answerTo(body);
  recordedText(legibleText(Buffer.from(body), contentType), 65_536, createPinMask('1234', []).text);
}

/** Milliseconds of CPU, the least of three: what else the machine does must not count. */
function cpuMs(act: () => void): number {
  const once = (): number => {
    const before = process.cpuUsage();
    act();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  return Math.min(once(), once(), once());
}

describe('no answer costs much more than a plain one of its size', () => {
  const bytes = 120_000;

  it.each(Object.entries(hostileBodies))(`%s (CONAX_SEED=${seed})`, (_name, make) => {
    const body = make(bytes, randomFrom(seed));
    const plain = plainBody(body.length);
    take(plain);
    // Measured: at most 3 times as much. What is not linear costs a hundred times as much at this size.
    expect(cpuMs(() => take(body)) / cpuMs(() => take(plain))).toBeLessThan(10);
  });

  it('and none of 1 MiB needs more memory than a small heap has', () => {
    const here = (path: string): string => JSON.stringify(join(import.meta.dirname, path));
    const script = `
      const { hostileBodies } = await import(${here('hostile-bodies.ts')});
      const { randomFrom } = await import(${here('../support/random.ts')});
      const { readXml, messageLimits } = await import(${here('../../src/soap/xml.ts')});
      for (const make of Object.values(hostileBodies)) {
        try { readXml(make(1_040_000, randomFrom(${seed})).toString('utf8'), messageLimits); } catch (error) {
          if (error.name !== 'XmlError') throw error;
        }
      }
      console.log('read');`;
    const child = ['--max-old-space-size=128', '--input-type=module', '--eval', script];
    expect(execFileSync(process.execPath, child, { encoding: 'utf8', stdio: 'pipe' })).toBe('read\n');
  });
});

describe('what an answer may hold is limited, and the limit is named', () => {
  const many = (number: number, piece: (index: number) => string): string =>
    okAnswer().replace('done', () => Array.from({ length: number }, (_, index) => piece(index)).join(''));
  const { attributesOfOne, elements, references, comments, processingInstructions, cdataSections } = messageLimits;

  it.each([
    ['elements', elements, () => '<e/>', 'elements'],
    ['references', references, () => '&lt;', 'entity and character references'],
    ['comments', comments, () => '<!---->', 'comments'],
    ['processing instructions', processingInstructions, () => '<?a?>', 'processing instructions'],
    ['CDATA sections', cdataSections, () => '<![CDATA[]]>', 'CDATA sections'],
    [
      'attributes in all',
      Math.ceil(messageLimits.attributes / 200),
      () => `<e ${Array.from({ length: 200 }, (_, i) => `a${i}=""`).join(' ')}/>`,
      'attributes and namespace declarations',
    ],
  ])('%s', (_name, limit, piece, named) => {
    // The envelope has some of them itself.
    expect(said(answerTo(many(Math.ceil(limit * 0.99) - 6, piece)))).toBe('accepted');
    const answer = answerTo(many(limit + 1, piece));
    expect(said(answer)).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(answer).toMatchObject({
      description: expect.stringMatching(new RegExp(`the answer has more than \\d+ ${named}$`)),
    });
  });

  it.each([
    ['attributes', (index: number) => `a${index}=""`],
    ['namespace declarations', (index: number) => `xmlns:p${index}="u"`],
    [
      'attributes with one local name',
      (index: number) => (index % 2 ? `p${index - 1}:a=""` : `xmlns:p${index}="u${index}"`),
    ],
  ])('%s of one element', (_name, attribute) => {
    const body = (number: number): string =>
      okAnswer().replace('done', `<e ${Array.from({ length: number }, (_, index) => attribute(index)).join(' ')}/>`);
    expect(said(answerTo(body(attributesOfOne)))).toBe('accepted');
    expect(answerTo(body(attributesOfOne + 1))).toMatchObject({
      code: 'CAS_ANSWER_UNREADABLE',
      description: `HTTP 200, text/xml; charset=utf-8: the answer has more than ${attributesOfOne} attributes in one element`,
    });
  });

  it('what the parser repeats of a name is cut', () => {
    const answer = answerTo(okAnswer().replace('done', `<${'a:'.repeat(50_000)}/>`));
    expect('description' in answer && answer.description.length).toBeLessThan(300);
  });
});

describe('an answer in a form that was not asked for is named for what it is', () => {
  const envelope = okAnswer();
  const multipart = (root: string, extra = '', end = '--'): string =>
    `\r\n--uuid:1\r\n${root}\r\n\r\n${envelope}\r\n${extra}--uuid:1${end}\r\n`;
  const mtom =
    'multipart/related; type="application/xop+xml"; boundary="uuid:1"; start="<root@x>"; start-info="text/xml"';
  const root = 'Content-Type: application/xop+xml; charset=UTF-8; type="text/xml"\r\nContent-ID: <root@x>';
  const answered = (body: string | Buffer, type: string, contentEncoding = ''): ConaxAnswer =>
    classify(commands.ADD_SUBSCRIPTIONS, null, {
      kind: 'answered',
      status: 200,
      contentType: type,
      contentEncoding,
      body: Buffer.from(body),
    });

  it.each([
    ['the root part of an MTOM answer is read', multipart(root), mtom],
    ['also where it is not the first', `--uuid:1\r\nContent-ID: <a@x>\r\n\r\nAAA${multipart(root)}`, mtom],
    [
      'also without a start, as the first part',
      multipart('Content-Type: text/xml'),
      'multipart/related; boundary=uuid:1',
    ],
    ['also when a part follows', multipart(root, '--uuid:1\r\nContent-ID: <a@x>\r\n\r\nAAA\r\n'), mtom],
    [
      'also in the charset that the part names',
      Buffer.from(multipart(root.replace('UTF-8', 'ISO-8859-1')).replace('done', 'né'), 'latin1'),
      mtom,
    ],
    ['also with a start without angle brackets', multipart(root), mtom.replace('<root@x>', 'root@x')],
    ['also with an id on a line of its own', multipart(root.replace('Content-ID: ', 'Content-ID:\r\n ')), mtom],
    ['also with LF alone', multipart(root).replaceAll('\r\n', '\n'), mtom],
    ['also with blanks after the boundary', multipart(root).replaceAll('--uuid:1\r', '--uuid:1 \r'), mtom],
    [
      'also with a line in its XML that starts like the boundary',
      multipart(root).replace('<Message>', '<![CDATA[\r\n--uuid:12\r\n]]><Message>'),
      mtom,
    ],
    [
      'also in base64',
      multipart(`${root}\r\nContent-Transfer-Encoding: base64`).replace(envelope, () =>
        Buffer.from(envelope).toString('base64').replaceAll(/.{76}/g, '$&\r\n'),
      ),
      mtom,
    ],
    [
      'also in quoted-printable',
      multipart(`${root}\r\nContent-Transfer-Encoding: quoted-printable`).replace(envelope, () =>
        envelope.replaceAll('=', '=3D').replaceAll('><', '>=\r\n<'),
      ),
      mtom,
    ],
    ['a charset in single quotes is read', envelope, "text/xml; charset='utf-8'"],
    ['a header that a proxy joined is read', envelope, 'text/xml; charset=utf-8, text/xml; charset=utf-8'],
  ])('%s', (_name, body, type) => {
    expect(said(answered(body, type))).toBe('accepted');
  });

  const unreadable: readonly (readonly [name: string, body: string, type: string, why: RegExp])[] = [
    [
      'a root part in base64',
      multipart(`${root}\r\nContent-Transfer-Encoding: base64`),
      mtom,
      /multipart \(MTOM\).*encoded/,
    ],
    ['a root part that is broken off', multipart(root).slice(0, -20), mtom, /multipart \(MTOM\).*broken off/],
    ['a root part that is not there', multipart(root.replace('root@x', 'other')), mtom, /multipart \(MTOM\).*missing/],
    [
      'a second part with the id of the root part',
      multipart(root, `--uuid:1\r\n${root}\r\n\r\n${soap('')}\r\n`),
      mtom,
      /two of its parts have the id/,
    ],
    ...['x-mixed-replace', 'alternative', 'byteranges'].map(
      (kind) =>
        [
          `multipart/${kind}`,
          multipart('Content-Type: text/xml'),
          `multipart/${kind}; boundary=uuid:1`,
          new RegExp(`multipart/${kind}, of which no part is`),
        ] as const,
    ),
    ['another boundary that starts the same', multipart(root).replaceAll('uuid:1', 'uuid:12'), mtom, /missing/],
    ['a boundary that is not named', multipart(root), 'multipart/related', /multipart and names no boundary/],
    ['a flood of parts', '--uuid:1\r\n\r\n\r\n'.repeat(60_000), mtom, /multipart \(MTOM\).*missing/],
    [
      'a part header without an end',
      multipart(`${root}\r\nX: ${'y'.repeat(5_000)}`),
      mtom,
      /multipart \(MTOM\).*missing/,
    ],
  ];
  it.each(unreadable)('%s: the outcome is unknown, and why', (_name, body, type, why) => {
    const answer = answered(body, type);
    expect(said(answer)).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(answer).toMatchObject({ description: expect.stringMatching(why) });
  });

  it.each(['gzip', 'deflate', 'br', 'x'.repeat(5_000)])(
    'an answer with Content-Encoding %.5s is not unpacked',
    (encoding) => {
      const answer = answered(envelope, 'text/xml', encoding);
      expect(said(answer)).toBe('unknown CAS_ANSWER_UNREADABLE');
      expect(answer).toMatchObject({
        description: expect.stringContaining(`is compressed (Content-Encoding: ${encoding.slice(0, 40)})`),
      });
    },
  );

  it('Content-Encoding identity is none', () => {
    expect(said(answered(envelope, 'text/xml', 'Identity'))).toBe('accepted');
  });
});
