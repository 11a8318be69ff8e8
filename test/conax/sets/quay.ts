/**
 * A small CAS of the tests' own, as files: three operations (Permit, Withdraw, Permits) in the place of the project's authorization
 * area. Each set of `constructs.ts` changes it by one construct that WSDLs of others have.
 */
import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ownDefinition = join(import.meta.dirname, '../../../schemas/conax');

/** The namespace of the messages. */
export const M = 'urn:example:quay:messages';
/** The namespace of the WSDL. */
export const W = 'urn:example:quay:wsdl';

const xs = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"';
export const operations = ['Permit', 'Withdraw', 'Permits'] as const;
export type Operation = (typeof operations)[number];

/** The command that each operation stands for. */
export const commandOf = {
  Permit: 'ADD_SUBSCRIPTIONS',
  Withdraw: 'CANCEL_SUBSCRIPTIONS',
  Permits: 'GET_ACTIVE_SUBSCRIPTIONS',
} as const;

export const types = `
  <xs:complexType name="Grant"><xs:sequence>
    <xs:element name="Holder" type="xs:string"/>
    <xs:element name="Title" type="xs:string"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Ask"><xs:sequence><xs:element name="Holder" type="xs:string"/></xs:sequence></xs:complexType>
  <xs:complexType name="Done"><xs:sequence>
    <xs:element name="Verdict" type="xs:string"/>
    <xs:element name="Why" type="xs:string" minOccurs="0"/>
    <xs:element name="Slip" type="xs:string" minOccurs="0"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Held"><xs:complexContent><xs:extension base="Done"><xs:sequence>
    <xs:element name="Title" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>`;

export const elements = `
  <xs:element name="Permit" type="Grant"/><xs:element name="PermitDone" type="Done"/>
  <xs:element name="Withdraw" type="Grant"/><xs:element name="WithdrawDone" type="Done"/>
  <xs:element name="Permits" type="Ask"/><xs:element name="PermitsDone" type="Held"/>`;

/** An XML schema document of namespace M. Its default namespace is M, too, so types are named without a prefix. */
export function schema(content: string, attributes = 'elementFormDefault="qualified"'): string {
  return `<xs:schema ${xs} xmlns="${M}" targetNamespace="${M}" ${attributes}>${content}\n</xs:schema>\n`;
}

/** The same without a namespace of its own, for a chameleon include. */
export function schemaOfNone(content: string): string {
  return `<xs:schema ${xs} elementFormDefault="qualified">${content}\n</xs:schema>\n`;
}

export const importOf = (location = 'quay.xsd', namespace = M): string =>
  `<xs:schema ${xs}><xs:import namespace="${namespace}" schemaLocation="${location}"/></xs:schema>`;

interface WsdlParts {
  /** What stands in wsdl:types. */
  readonly types?: string;
  /** Further messages, operations of the port type and of the binding, and what stands before the service. */
  readonly messages?: string;
  readonly portType?: string;
  readonly binding?: string;
  readonly top?: string;
  /** What stands in soap:input of each bound operation. */
  readonly input?: string;
  /** What stands first in the binding. */
  readonly demands?: string;
  /** Further ports of the service. */
  readonly ports?: string;
  /** Prefix of the SOAP extension elements' namespace: 'soap' for SOAP 1.1, 'soap12' for 1.2. */
  readonly soap?: 'soap' | 'soap12';
  readonly action?: (operation: Operation) => string;
  readonly declaration?: string;
}

export const messages = (prefix = 'm'): string =>
  operations
    .map(
      (operation) => `
  <wsdl:message name="${operation}"><wsdl:part name="body" element="${prefix}:${operation}"/></wsdl:message>
  <wsdl:message name="${operation}Done"><wsdl:part name="body" element="${prefix}:${operation}Done"/></wsdl:message>`,
    )
    .join('');

export const portType = (more = '', prefix = 't'): string => `
  <wsdl:portType name="Quay">${operations
    .map(
      (operation) => `
    <wsdl:operation name="${operation}"><wsdl:input message="${prefix}:${operation}"/><wsdl:output message="${prefix}:${operation}Done"/></wsdl:operation>`,
    )
    .join('')}${more}
  </wsdl:portType>`;

/** A binding of the port type. */
export function binding(
  name: string,
  { soap = 'soap', input, demands = '', binding: more = '', action }: WsdlParts = {},
): string {
  const body = `<${soap}:body use="literal"/>`;
  return `
  <wsdl:binding name="${name}" type="t:Quay">${demands}
    <${soap}:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>${operations
      .map(
        (operation) => `
    <wsdl:operation name="${operation}"><${soap}:operation soapAction="${action?.(operation) ?? `urn:example:quay:${operation}`}"/>
      <wsdl:input>${input ?? body}</wsdl:input><wsdl:output>${body}</wsdl:output></wsdl:operation>`,
      )
      .join('')}${more}
  </wsdl:binding>`;
}

/** The start of a WSDL of namespace W (prefix t), with what it declares. */
export function definitions(
  content: string,
  declaration = '<?xml version="1.0" encoding="UTF-8"?>',
  namespace = W,
): string {
  return `${declaration}
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" ${xs} xmlns:m="${M}" xmlns:t="${namespace}" targetNamespace="${namespace}">${content}
</wsdl:definitions>
`;
}

export function service(ports = '', soap = 'soap'): string {
  return `
  <wsdl:service name="QuayService">
    <wsdl:port name="Main" binding="t:Main"><${soap}:address location="http://quay.example/quay"/></wsdl:port>${ports}
  </wsdl:service>`;
}

/** The WSDL of the small CAS, changed in the parts that are named. */
export function wsdl(parts: WsdlParts = {}): string {
  return definitions(
    `
  <wsdl:types>${parts.types ?? importOf()}</wsdl:types>${messages()}${parts.messages ?? ''}${portType(parts.portType)}` +
      `${binding('Main', parts)}${parts.top ?? ''}${service(parts.ports, parts.soap)}`,
    parts.declaration,
  );
}

export const bodies: Readonly<Record<Operation, string>> = {
  Permit: '<m:Permit><m:Holder>{{smartcard}}</m:Holder><m:Title>{{service}}</m:Title></m:Permit>',
  Withdraw: '<m:Withdraw><m:Holder>{{smartcard}}</m:Holder><m:Title>{{service}}</m:Title></m:Withdraw>',
  Permits: '<m:Permits><m:Holder>{{smartcard}}</m:Holder></m:Permits>',
};

export const envelopes = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
} as const;

export interface SetFiles {
  /** Files below `wsdl/`, beside the small CAS's own `quay.wsdl` and `quay.xsd`, or in their place. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly bodies?: Partial<Record<Operation, string>>;
  /** What stands in the SOAP header of every request. */
  readonly header?: string;
  readonly soapVersion?: '1.1' | '1.2';
  /** The namespace of what stands inside a body element; that of the messages unless it is named. */
  readonly inner?: string;
  /** Changes a whole template, also into another charset. */
  readonly template?: (text: string) => string | Buffer;
  /** Changes what conax.json says of a command. */
  readonly command?: Readonly<Record<string, unknown>>;
  readonly answer?: Readonly<Record<string, unknown>>;
}

/** Writes a whole definition of a CAS: the project's own, with this set for the three commands. @returns the path of conax.json. */
export async function writeSet(set: SetFiles): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'conax-set-'));
  await cp(ownDefinition, directory, { recursive: true });
  const file = join(directory, 'conax.json');
  const definition = JSON.parse(await readFile(file, 'utf8')) as {
    namespaces: Record<string, string>;
    areas: Record<string, unknown>;
    commands: Record<string, unknown>;
  };
  definition.namespaces['m'] = M;
  definition.namespaces['inner'] = set.inner || M;
  definition.areas['quay'] = { path: '/quay', wsdl: 'wsdl/quay.wsdl' };
  delete definition.areas['authorization'];
  for (const operation of operations) {
    const template = `requests/${operation}.xml`;
    const path = `m:${operation}Done/${set.inner === '' ? '' : 'inner:'}`;
    definition.commands[commandOf[operation]] = {
      area: 'quay',
      template,
      answer: {
        statusCode: `${path}Verdict`,
        message: `${path}Why`,
        referenceNumber: `${path}Slip`,
        ...(operation === 'Permits' ? { activeServices: `${path}Title` } : {}),
        ...set.answer,
      },
      ...set.command,
    };
    const text = templateOf(set, operation);
    await writeFile(join(directory, template), set.template === undefined ? text : set.template(text));
  }
  await writeFile(file, JSON.stringify(definition, null, 2));
  for (const [name, content] of Object.entries({
    'quay.wsdl': wsdl(),
    'quay.xsd': schema(elements + types),
    ...set.files,
  })) {
    await mkdir(dirname(join(directory, 'wsdl', name)), { recursive: true });
    await writeFile(join(directory, 'wsdl', name), content);
  }
  return file;
}

function templateOf(set: SetFiles, operation: Operation): string {
  const header = set.header === undefined ? '' : `\n  <s:Header>${set.header}</s:Header>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="${envelopes[set.soapVersion ?? '1.1']}" xmlns:m="${M}">${header}
  <s:Body>
    ${set.bodies?.[operation] ?? bodies[operation]}
  </s:Body>
</s:Envelope>
`;
}
