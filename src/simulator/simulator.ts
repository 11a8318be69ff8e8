import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { defaultCasFile, loadCasDefinition } from '../conax-checks/cas-definition.ts';
import { messageLimits } from '../soap/xml.ts';
import { createCasServer, type SimulatorLogger } from './cas.ts';
import { createFaults } from './faults.ts';
import { answerView, type ViewedParts } from './http-view.ts';
import { createJournal } from './journal.ts';
import { createClock, defaultSettings } from './settings.ts';
import { createState } from './state.ts';
import { createStatistics } from './statistics.ts';

export interface SimulatorOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string | undefined;
  /** The same file as the service's CONAX_MAPPING_FILE; without one, that of the project. */
  readonly mappingFile?: string | undefined;
  readonly logger?: SimulatorLogger | undefined;
  /** With it, a call without these credentials is answered 401. */
  readonly basicAuth?: { readonly username: string; readonly password: string } | undefined;
  /** PEM texts. With it, HTTPS; `clientCa`: only clients with a certificate of this authority. */
  readonly tls?: SimulatorTls | undefined;
  /** How many of the newest calls the journal keeps. */
  readonly journalEntriesMax?: number | undefined;
}

export interface SimulatorTls {
  readonly key: string;
  readonly cert: string;
  readonly clientCa?: string | undefined;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
}

export interface Simulator {
  /** What the service gets as CONAX_BASE_URL; the HTTP view is below /simulator/ there. */
  readonly url: string;
  readonly port: number;
  /** Stops at once: what is under way is cut. Safe to call twice. */
  close(): Promise<void>;
}

/** Of the HTTP view, which takes whole states; a SOAP request is as long as an answer at most. */
const viewBytesMax = 256 << 20;
const soapBytesMax = messageLimits.characters;

/** Starts the CAS simulator. Rejects if conax.json has mistakes or the port is taken. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const definition = await loadCasDefinition(options.mappingFile ?? defaultCasFile);
  for (const warning of [...definition.unchecked, ...definition.warnings])
    options.logger?.warn({ warning }, 'Not checked');
  const clock = createClock();
  const parts: ViewedParts = {
    state: createState(clock.now),
    clock,
    settings: defaultSettings(),
    inventory: { smartcards: new Set(), setTopBoxes: new Set(), services: new Set() },
    journal: createJournal(options.journalEntriesMax ?? 2_000_000),
    faults: createFaults(),
    statistics: createStatistics(),
    wsdlFiles: [...new Set(Object.values(definition.commands).flatMap(({ wsdlFile }) => wsdlFile ?? []))],
  };
  const soap = createCasServer({ definition, parts, basicAuth: options.basicAuth, logger: options.logger });

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { url: target = '/' } = request;
    // The path of an area may have a query.
    const path = soap.paths.has(target) ? target : (target.split('?', 1)[0] ?? '/');
    const isView = path === '/simulator' || path.startsWith('/simulator/');
    const isSoap = !isView && soap.paths.has(path) && request.method === 'POST';
    const answer = isSoap ? soap.begin(path, request, response) : null;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const bytesMax = isView ? viewBytesMax : soapBytesMax;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else if (bytes - chunk.length <= bytesMax) turnAway(request, response);
    });
    request.on('error', () => undefined);
    request.on('end', () => {
      if (bytes > bytesMax) return;
      const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      if (answer !== null) answerOrBreakOff(() => answer(body), response, options.logger);
      else if (isView) void answerView(parts, request, response, body);
      else
        response
          .writeHead(404, { 'content-type': 'text/plain' })
          .end(`No Conax service is at ${request.method} ${path}\n`);
    });
  }

  const server = options.tls === undefined ? createHttpServer(onRequest) : createTlsServer(options.tls, onRequest);
  await listen(server, options.port, options.host ?? '127.0.0.1');
  const { port } = server.address() as AddressInfo;
  const scheme = options.tls === undefined ? 'http' : 'https';
  const host =
    options.host === undefined || options.host === '0.0.0.0' || options.host === '::' ? '127.0.0.1' : options.host;
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  options.logger?.info({ url, mappingFile: definition.file }, 'The CAS simulator is ready');
  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    close: () =>
      (closing ??= new Promise((resolve) => {
        server.close(() => {
          soap.close();
          resolve();
        });
        server.closeAllConnections();
      })),
  };
}

function turnAway(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(413, { connection: 'close', 'content-length': 0 }).end(() => request.destroy());
}

/** A mistake of the simulator spoils the one call, not the simulator. */
function answerOrBreakOff(answer: () => void, response: ServerResponse, logger: SimulatorLogger | undefined): void {
  try {
    answer();
  } catch (error) {
    logger?.warn({ err: error }, 'A call could not be answered');
    response.destroy();
  }
}

function createTlsServer(
  tls: SimulatorTls,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  return createHttpsServer(
    {
      key: tls.key,
      cert: tls.cert,
      ...(tls.maxVersion === undefined ? {} : { maxVersion: tls.maxVersion }),
      ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
    },
    onRequest,
  );
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
