import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { FaultRule, NamedFault } from './faults.ts';
import { envelope, writeFault } from './soap-answers.ts';

/** How a call goes wrong: what the journal says was answered, and what is done with the connection. */
export interface Misbehaviour {
  /** Null where nothing readable goes out; undefined: what the CAS meant to answer. */
  readonly statusCode: string | null | undefined;
  readonly answer: (response: ServerResponse, intended: string) => void;
}

const xmlType = 'text/xml; charset=utf-8';
const dripMs = 100;
const slowPieces = 10;

/** Sends a whole answer in the usual way. */
export function sendXml(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': xmlType, 'content-length': Buffer.byteLength(xml) });
  response.end(xml);
}

/** What the rule's fault does. */
export function misbehaviourOf(rule: FaultRule): Misbehaviour {
  const [kind, argument = ''] = rule.fault.split(':');
  if (kind === 'http') return httpStatus(Number(argument));
  if (kind === 'soap-fault' && argument !== '') {
    return {
      statusCode: 'SOAP_FAULT',
      answer: (response) => sendXml(response, 500, writeFault('Server', argument, argument)),
    };
  }
  return named[rule.fault as NamedFault](rule);
}

/** An answer with a status and nothing else. */
export function httpStatus(status: number): Misbehaviour {
  return {
    statusCode: `HTTP_${status}`,
    answer: (response) => {
      if (status >= 300 && status <= 399) response.setHeader('location', '/somewhere-else');
      if (status === 401) response.setHeader('www-authenticate', 'Basic realm="Conax"');
      response.writeHead(status, { 'content-length': 0 }).end();
    },
  };
}

const silence: Misbehaviour = { statusCode: null, answer: () => undefined };
const cut: Misbehaviour = { statusCode: null, answer: (response) => response.destroy() };
const asMeant: Misbehaviour = {
  statusCode: undefined,
  answer: (response, intended) => sendXml(response, 200, intended),
};

const named: Readonly<Record<NamedFault, (rule: FaultRule) => Misbehaviour>> = {
  none: () => asMeant,
  latency: () => asMeant,
  'soap-fault': () => soapFault(500),
  'soap-fault-200': () => soapFault(200),
  'cut-before': () => cut,
  'cut-after': () => cut,
  hang: () => silence,
  'hang-after': () => silence,
  'half-open': () => ({
    statusCode: null,
    // Reads nothing any more, so that it does not even see the other side go.
    answer: (response) => response.socket?.pause(),
  }),
  'slow-body': ({ durationMs }) => ({
    statusCode: undefined,
    answer: (response, intended) => {
      response.writeHead(200, { 'content-type': xmlType, 'content-length': Buffer.byteLength(intended) });
      inPieces(response, Buffer.from(intended), Math.ceil(intended.length / slowPieces), durationMs / slowPieces);
    },
  }),
  drip: () => ({
    statusCode: null,
    answer: (response, intended) => {
      response.writeHead(200, { 'content-type': xmlType, 'content-length': Buffer.byteLength(intended) });
      inPieces(response, Buffer.from(intended), 1, dripMs);
    },
  }),
  endless: () => ({
    statusCode: null,
    answer: (response, intended) => {
      response.writeHead(200, { 'content-type': xmlType });
      response.write(intended);
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(8_192)));
      };
      response.on('drain', more);
      more();
    },
  }),
  garbage: () => unreadable(() => randomBytes(700)),
  empty: () => unreadable(() => ''),
  truncated: () => ({
    statusCode: null,
    answer: (response, intended) => {
      response.writeHead(200, { 'content-type': xmlType, 'content-length': Buffer.byteLength(intended) });
      response.write(intended.slice(0, intended.length / 2), () => response.destroy());
    },
  }),
  'half-xml': () => unreadable((intended) => intended.slice(0, intended.length / 2)),
  'other-element': () => unreadable(() => envelope('<Other xmlns="http://www.conax.com/cas/xsd/other/v1"/>')),
  'wrong-namespace': () =>
    unreadable((intended) => intended.replaceAll('http://www.conax.com/', 'http://www.example.com/')),
  'two-envelopes': () => unreadable((intended) => intended + intended.replace(/^<\?xml[^>]*\?>/, '')),
  latin1: () => ({
    statusCode: undefined,
    answer: (response, intended) => sendLatin1(response, intended, 'text/xml; charset=ISO-8859-1'),
  }),
  'wrong-charset': () => ({
    statusCode: null,
    answer: (response, intended) => sendLatin1(response, intended, xmlType),
  }),
  'entity-bomb': () => unreadable((intended) => withEntityBomb(intended)),
  'tag-flood': () => unreadable(() => '<'.repeat(60_000)),
  deep: () => unreadable(() => envelope(`${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}`)),
  'too-large': () => unreadable((intended) => intended + ' '.repeat(2 << 20)),
  html500: () => ({
    statusCode: 'HTTP_500',
    answer: (response) => {
      response
        .writeHead(500, { 'content-type': 'text/html' })
        .end('<html><body><h1>Internal Server Error</h1><hr></body></html>');
    },
  }),
  xml500: () => ({ statusCode: 'HTTP_500', answer: (response) => sendXml(response, 500, '<error>internal</error>') }),
};

function soapFault(status: number): Misbehaviour {
  return {
    statusCode: 'SOAP_FAULT',
    answer: (response) => sendXml(response, status, writeFault('Server', 'the simulator was told to fail', null)),
  };
}

function unreadable(bodyOf: (intended: string) => string | Buffer): Misbehaviour {
  return {
    statusCode: null,
    answer: (response, intended) => {
      const body = bodyOf(intended);
      response.writeHead(200, { 'content-type': xmlType, 'content-length': Buffer.byteLength(body) });
      response.end(body);
    },
  };
}

function sendLatin1(response: ServerResponse, intended: string, contentType: string): void {
  const marked = intended
    .replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    .replace(/(:Message>)[^<]*/, '$1Tilgangen er æ, ø og å');
  const body = Buffer.from(marked, 'latin1');
  response.writeHead(200, { 'content-type': contentType, 'content-length': body.length });
  response.end(body);
}

function withEntityBomb(intended: string): string {
  const levels = Array.from({ length: 9 }, (_, level) => `<!ENTITY e${level + 1} "${`&e${level};`.repeat(10)}">`);
  const doctype = `<!DOCTYPE bomb [<!ENTITY e0 "0123456789">${levels.join('')}]>`;
  return intended.replace('?>', `?>${doctype}`).replace(/(:Message>)[^<]*/, '$1&e9;');
}

function inPieces(response: ServerResponse, body: Buffer, pieceBytes: number, everyMs: number): void {
  let position = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(position, (position += pieceBytes)));
    if (position < body.length) return;
    clearInterval(timer);
    response.end();
  }, everyMs);
  response.on('close', () => clearInterval(timer));
}
