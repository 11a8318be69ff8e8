import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClientAsync, listen } from 'soap';

/** One call as the package `soap` read it: with its prefixes away, an element that is repeated is a list. */
export interface SoapCall {
  readonly operation: string;
  readonly arguments: unknown;
  readonly headers: unknown;
}

export interface SoapServer {
  readonly url: string;
  /** What it received since the last question. */
  received(): SoapCall[];
  close(): Promise<void>;
}

/** A CAS on the package `soap` for the WSDL of each path. It answers an operation with the members that `answers` has for it. */
export async function startSoapServer(
  wsdls: Readonly<Record<string, string>>,
  answers: (operation: string) => object,
  soapVersion: '1.1' | '1.2' = '1.1',
): Promise<SoapServer> {
  let calls: SoapCall[] = [];
  const server = createServer((_request, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  for (const [path, file] of Object.entries(wsdls)) {
    const services = await servicesOf(file, (call) => {
      calls.push(call);
      return answers(call.operation);
    });
    const xml = await readFile(file, 'utf8');
    await new Promise<void>((resolve, reject) => {
      const callback = (error: unknown): void => {
        if (error === null || error === undefined) resolve();
        else reject(new Error(`soap cannot serve ${file}`, { cause: error }));
      };
      listen(server, { path, services, xml, uri: file, forceSoap12Headers: soapVersion === '1.2', callback });
    });
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => {
      const all = calls;
      calls = [];
      return all;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Method = (given: unknown, callback: unknown, headers: unknown) => object;

/** A method for every operation of every port that the package finds in the WSDL. */
async function servicesOf(file: string, answer: (call: SoapCall) => object) {
  const found = ((await createClientAsync(file, { disableCache: true })) as { describe(): unknown }).describe();
  const services = found as Record<string, Record<string, Record<string, unknown>>>;
  const methodOf =
    (operation: string): Method =>
    (given, _callback, headers) =>
      answer({ operation, arguments: given, headers });
  return Object.fromEntries(
    Object.entries(services).map(([service, ports]) => [
      service,
      Object.fromEntries(
        Object.entries(ports).map(([port, operations]) => [
          port,
          Object.fromEntries(Object.keys(operations).map((operation) => [operation, methodOf(operation)])),
        ]),
      ),
    ]),
  );
}
