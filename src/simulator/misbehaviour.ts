import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { CasCommand } from '../conax/cas-definition.types.ts';
import { type SoapVersion } from '../soap/envelope.ts';
import type { FaultRule, NamedFault } from './faults.ts';
import { envelope, writeFault, writeFaultWithCode } from './soap-answers.ts';

/** How a call goes wrong: the answer in the journal, and what is done with the connection. */
export interface Misbehaviour {
  /** Null if nothing readable goes out; undefined: what the CAS meant to answer. */
  readonly statusCode: string | null | undefined;
  readonly answer: (response: ServerResponse, intended: string) => void;
}

const xmlTypes: Readonly<Record<SoapVersion, string>> = {
  '1.1': 'text/xml; charset=utf-8',
  '1.2': 'application/soap+xml; charset=utf-8',
};
/** In the place of the message of the answers that need it. */
const bombMessage = 'the entities unfold here';
const nonAsciiMessage = 'Tilgangen er æ, ø og å';
const toldToFail = 'a fault rule of the simulator';
const dripMs = 100;
const slowPieces = 10;

/** Sends a whole answer in the usual way. */
export function sendXml(response: ServerResponse, status: number, xml: string, version: SoapVersion): void {
  response.writeHead(status, { 'content-type': xmlTypes[version], 'content-length': Buffer.byteLength(xml) });
  response.end(xml);
}

/** The message that a rule's fault puts into the answer; null: the usual one. */
export function messageFor({ fault }: FaultRule): string | null {
  if (fault === 'entity-bomb') return bombMessage;
  return fault === 'latin1' || fault === 'wrong-charset' ? nonAsciiMessage : null;
}

/** What the rule's fault does to the answer of a command. */
export function misbehaviourOf(rule: FaultRule, command: CasCommand): Misbehaviour {
  const { soapVersion: version } = command;
  const [kind, argument = ''] = rule.fault.split(':');
  if (kind === 'http') return httpStatus(Number(argument));
  if (kind === 'soap-fault-code' || (kind === 'soap-fault' && argument !== '')) {
    const named = { text: argument, code: argument };
    const xml = writeFaultWithCode(
      command,
      kind === 'soap-fault'
        ? { who: 'Server', ...named, place: 'detail' }
        : { who: 'Client', ...named, text: toldToFail, place: 'faultcode' },
    );
    return { statusCode: 'SOAP_FAULT', answer: (response) => sendXml(response, 500, xml, version) };
  }
  return named[rule.fault as NamedFault](rule, version);
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
const asMeant = (_rule: FaultRule, version: SoapVersion): Misbehaviour => ({
  statusCode: undefined,
  answer: (response, intended) => sendXml(response, 200, intended, version),
});

const named: Readonly<Record<NamedFault, (rule: FaultRule, version: SoapVersion) => Misbehaviour>> = {
  none: asMeant,
  latency: asMeant,
  'soap-fault': (_, version) => soapFault(500, version),
  'soap-fault-200': (_, version) => soapFault(200, version),
  'cut-before': () => cut,
  'cut-after': () => cut,
  hang: () => silence,
  'hang-after': () => silence,
  'half-open': () => ({
    statusCode: null,
    // Reads nothing any more, so that it does not even see the other side go.
    answer: (response) => response.socket?.pause(),
  }),
  'slow-body': ({ durationMs }, version) => ({
    statusCode: undefined,
    answer: (response, intended) => {
      response.writeHead(200, { 'content-type': xmlTypes[version], 'content-length': Buffer.byteLength(intended) });
      inPieces(response, Buffer.from(intended), Math.ceil(intended.length / slowPieces), durationMs / slowPieces);
    },
  }),
  drip: (_, version) => ({
    statusCode: null,
    answer: (response, intended) => {
      response.writeHead(200, { 'content-type': xmlTypes[version], 'content-length': Buffer.byteLength(intended) });
      inPieces(response, Buffer.from(intended), 1, dripMs);
    },
  }),
  endless: (_, version) => ({
    statusCode: null,
    answer: (response, intended) => {
      response.writeHead(200, { 'content-type': xmlTypes[version] });
      response.write(intended);
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(8_192)));
      };
      response.on('drain', more);
      more();
    },
  }),
  garbage: (_, version) => unreadable(version, () => randomBytes(700)),
  empty: (_, version) => unreadable(version, () => ''),
  truncated: (_, version) => ({
    statusCode: null,
    answer: (response, intended) => {
      response.writeHead(200, { 'content-type': xmlTypes[version], 'content-length': Buffer.byteLength(intended) });
      response.write(intended.slice(0, intended.length / 2), () => response.destroy());
    },
  }),
  'half-xml': (_, version) => unreadable(version, (intended) => intended.slice(0, intended.length / 2)),
  'other-element': (_, version) =>
    unreadable(version, () => envelope(version, '<Other xmlns="urn:conax-provisioning:simulator"/>')),
  'wrong-namespace': (_, version) =>
    unreadable(version, (intended) => intended.replaceAll(/( xmlns:n\d+=")[^"]*/g, '$1http://www.example.com/')),
  'two-envelopes': (_, version) =>
    unreadable(version, (intended) => intended + intended.replace(/^<\?xml[^>]*\?>/, '')),
  latin1: (_, version) => ({
    statusCode: undefined,
    answer: (response, intended) => sendLatin1(response, intended, xmlTypes[version].replace('utf-8', 'ISO-8859-1')),
  }),
  'wrong-charset': (_, version) => ({
    statusCode: null,
    answer: (response, intended) => sendLatin1(response, intended, xmlTypes[version]),
  }),
  'entity-bomb': (_, version) => unreadable(version, (intended) => withEntityBomb(intended)),
  'tag-flood': (_, version) => unreadable(version, () => '<'.repeat(60_000)),
  deep: (_, version) => unreadable(version, () => envelope(version, `${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}`)),
  'too-large': (_, version) => unreadable(version, (intended) => intended + ' '.repeat(2 << 20)),
  html500: () => ({
    statusCode: 'HTTP_500',
    answer: (response) => {
      response
        .writeHead(500, { 'content-type': 'text/html' })
        .end('<html><body><h1>Internal Server Error</h1><hr></body></html>');
    },
  }),
  xml500: (_, version) => ({
    statusCode: 'HTTP_500',
    answer: (response) => sendXml(response, 500, '<error>internal</error>', version),
  }),
};

function soapFault(status: number, version: SoapVersion): Misbehaviour {
  return {
    statusCode: 'SOAP_FAULT',
    answer: (response) => sendXml(response, status, writeFault(version, 'Server', toldToFail), version),
  };
}

function unreadable(version: SoapVersion, bodyOf: (intended: string) => string | Buffer): Misbehaviour {
  return {
    statusCode: null,
    answer: (response, intended) => {
      const body = bodyOf(intended);
      response.writeHead(200, { 'content-type': xmlTypes[version], 'content-length': Buffer.byteLength(body) });
      response.end(body);
    },
  };
}

function sendLatin1(response: ServerResponse, intended: string, contentType: string): void {
  const marked = intended.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"');
  const body = Buffer.from(marked, 'latin1');
  response.writeHead(200, { 'content-type': contentType, 'content-length': body.length });
  response.end(body);
}

function withEntityBomb(intended: string): string {
  const levels = Array.from({ length: 9 }, (_, level) => `<!ENTITY e${level + 1} "${`&e${level};`.repeat(10)}">`);
  const doctype = `<!DOCTYPE bomb [<!ENTITY e0 "0123456789">${levels.join('')}]>`;
  return intended.replace('?>', `?>${doctype}`).replace(bombMessage, '&e9;');
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
