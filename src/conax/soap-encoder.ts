import { type Client, createClientAsync } from 'soap';
import { buildBody } from './body.ts';
import type { Encode } from './encoder.ts';
import { guardedArguments } from './guard.ts';
import type { Mapping, MappedCommand } from './mapping.ts';
import { soapNamespaces } from './soap-envelope.ts';

interface SoapOperation {
  readonly client: Client;
  readonly head: string;
  readonly name: string;
  readonly nsAlias: string;
  readonly ns: string;
  readonly type: string;
}

const tail = '</soap:Body></soap:Envelope>';

/**
 * Lets the package `soap` read each WSDL of the mapping and serialise the requests. It is never let near the network,
 * and never gets anything but strings that are escaped already: see guard.ts for what it would let through.
 */
export async function createSoapEncoder(mapping: Mapping): Promise<Encode> {
  const clients = new Map<string, Client>();
  const operations = new Map<MappedCommand, SoapOperation>();
  for (const command of Object.values(mapping.commands)) {
    let client = clients.get(command.wsdlFile);
    if (client === undefined) {
      client = await openClient(command.wsdlFile);
      clients.set(command.wsdlFile, client);
    }
    operations.set(command, soapOperation(client, command));
  }
  return (command, values) => {
    const operation = operations.get(command);
    if (operation === undefined) throw new Error(`${command.type} is of another mapping`);
    const body = guardedArguments(buildBody(command, values), command.input, command.operation);
    const xml: unknown = operation.client.wsdl.objectToDocumentXML(
      operation.name,
      body,
      operation.nsAlias,
      operation.ns,
      operation.type,
    );
    return `${operation.head}${String(xml)}${tail}`;
  };
}

function openClient(file: string): Promise<Client> {
  return createClientAsync(file, {
    // A client of a cached WSDL shares its options with every other one.
    disableCache: true,
    // Our own escaping is complete (CR, LF, "]]>"), the package's is not.
    escapeXML: false,
    httpClient: {
      request: (url, _data, callback) => {
        callback(new Error(`${url} is not beside the WSDL; put every imported file there`));
        // The package looks at the callback only: a promise that is rejected would be an unhandled one.
        return new Promise<never>(() => undefined);
      },
    },
  });
}

function soapOperation(client: Client, command: MappedCommand): SoapOperation {
  for (const service of Object.values(client.wsdl.definitions.services)) {
    for (const port of Object.values(service.ports)) {
      const method = port.binding.methods?.[command.operation];
      if (method === undefined) continue;
      const { $name, targetNSAlias, targetNamespace, $type, $lookupType } = method.input;
      return {
        client,
        head:
          '<?xml version="1.0" encoding="utf-8"?>' +
          `<soap:Envelope xmlns:soap="${soapNamespaces['1.1']}"${client.wsdl.xmlnsInEnvelope.replaceAll(/ xmlns:soap="[^"]*"/g, '')}><soap:Body>`,
        name: $name ?? command.input.name,
        nsAlias: targetNSAlias ?? '',
        ns: targetNamespace ?? command.input.ns,
        type: $type || $lookupType,
      };
    }
  }
  throw new Error(`no service of ${command.wsdlFile} has a port with the operation ${command.operation}`);
}
