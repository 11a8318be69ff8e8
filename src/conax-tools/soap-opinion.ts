import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CasCommand } from '../conax/cas-definition.types.ts';
import { messageOf } from '../platform/errors.ts';
import { nameOf } from '../soap/envelope.ts';

/** An operation as the package `soap` reads it. */
interface ReadOperation {
  readonly port: string;
  readonly name: string;
  /** null if several bindings share a portType: the package has only the one of the last binding, for all of them. */
  readonly soapAction: string | null;
  /** The element in the Body of the request; empty if it found none. */
  readonly input: string;
}

/** What the package looks at of a command. */
export type SoapCommand = Pick<CasCommand, 'type' | 'wsdlFile' | 'body' | 'soapAction'>;

/**
 * Does the same as `soapOpinions` in a thread of its own: the package keeps a thread busy for a fifth of a second, and
 * the service has customers waiting. Keeps no process alive. Never rejects.
 */
export async function soapOpinionsApart(commands: readonly CasCommand[]): Promise<string[]> {
  const workerData = commands.map(({ type, wsdlFile, body, soapAction }) => ({ type, wsdlFile, body, soapAction }));
  const worker = new Worker(new URL('soap-opinion-thread.ts', import.meta.url), { workerData });
  worker.unref();
  try {
    const [lines] = (await once(worker, 'message')) as [string[]];
    return lines;
  } catch (error) {
    return [`the package soap cannot look at the WSDLs (${messageOf(error)})`];
  }
}

/**
 * Reads the WSDLs of commands once more, with the package `soap`, and returns one line for each command that it would
 * send in another way. They are warnings: the package mixes up equal names of imported WSDLs (decision 0007), and the
 * templates say what is sent. Nothing is fetched from the network. Never rejects.
 */
export async function soapOpinions(commands: readonly SoapCommand[]): Promise<string[]> {
  const lines: string[] = [];
  const byFile = Map.groupBy(commands, ({ wsdlFile }) => wsdlFile);
  for (const [file, own] of byFile) {
    if (file === null) continue;
    const operations = await readOperations(file);
    if (typeof operations === 'string') {
      lines.push(`${file}:1: the package soap cannot read it (${operations}); other SOAP clients may fail as well`);
      continue;
    }
    for (const { type, body, soapAction } of own) {
      const taking = operations.filter(({ input }) => input === nameOf(body));
      if (taking.some((one) => one.soapAction === null || one.soapAction === soapAction)) continue;
      const read = taking.map(
        ({ port, name, soapAction: action }) => `${port}/${name} with the SOAPAction "${action ?? ''}"`,
      );
      lines.push(
        `${file}:1: ${type} sends ${nameOf(body)} with the SOAPAction "${soapAction}"; the package soap reads ` +
          `${read.join(', ') || 'no operation that takes it'}; compare with a request of SoapUI`,
      );
    }
  }
  return lines;
}

/** The operations of every port; as a text, why the package cannot read the file. */
async function readOperations(file: string): Promise<ReadOperation[] | string> {
  // Loaded only here: it is large, and most commands of the CLI do not need it.
  const { createClientAsync } = await import('soap');
  try {
    const { wsdl } = await createClientAsync(file, {
      // A client of a cached WSDL shares its options with every other one.
      disableCache: true,
      httpClient: {
        request(url, _data, callback) {
          callback(new Error(`${url} is not beside the WSDL`));
          // The package looks at the callback only: a promise that is rejected would be an unhandled one.
          return new Promise<never>(() => undefined);
        },
      },
    });
    const services = Object.values(wsdl.definitions.services);
    const bindings = new Set(services.flatMap(({ ports }) => Object.values(ports).map(({ binding }) => binding)));
    const isShared = (methods: unknown): boolean => [...bindings].filter((one) => one?.methods === methods).length > 1;
    return services.flatMap(({ ports }) =>
      Object.entries(ports).flatMap(([port, { binding }]) =>
        Object.entries(binding?.methods ?? {}).map(([name, { soapAction, input }]): ReadOperation => {
          const { $name = '', targetNamespace = '' } = input as { $name?: string; targetNamespace?: string };
          const action = isShared(binding?.methods) ? null : (soapAction ?? '');
          return { port, name, soapAction: action, input: nameOf({ ns: targetNamespace, name: $name }) };
        }),
      ),
    );
  } catch (error) {
    return messageOf(error).replaceAll(/\s+/g, ' ').slice(0, 200);
  }
}
