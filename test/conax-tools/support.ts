import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { rmSync } from 'node:fs';
import { type Chosen, makeSkeleton, type Skeleton, writeFiles } from '../../src/conax-tools/cas-skeleton.ts';
import { readOutline, type WsdlOutline } from '../../src/conax-tools/wsdl-outline.ts';
import type { CommandType } from '../../src/planning/command.ts';

const XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"';
export const messages = 'urn:acme:cas:messages:2';
export const types = 'urn:acme:cas:types:2';

/** A directory with these files, which is gone after the test. */
export function directoryWith(files: Readonly<Record<string, string | Buffer>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'conax-tools-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

function element(name: string, type: string, occurs = ''): string {
  return `<xs:element name="${name}" type="${type}"${occurs}/>`;
}
const optional = ' minOccurs="0"';
const many = ' maxOccurs="unbounded"';

const requests: Readonly<Record<string, string>> = {
  SetEntitlement:
    element('Card', 't:CardNo') +
    element('Package', 'xs:int') +
    element('Action', 't:Action') +
    element('ValidTo', 'xs:dateTime', optional),
  ListEntitlements: element('Card', 't:CardNo'),
  PairDevices: element('Cards', 't:CardList') + element('Boxes', 't:BoxList'),
  ExtendPairing:
    element('MasterCard', 't:CardNo') +
    element('Cards', 't:CardList', optional) +
    element('Boxes', 't:BoxList', optional),
  QueryPairingByCard: element('Card', 't:CardNo'),
  QueryPairingByBox: element('Box', 'xs:string'),
  SendMail: element('Card', 't:CardNo') + element('Text', 'xs:string') + element('Language', 'xs:language'),
  ShowOsd:
    element('Card', 't:CardNo') +
    element('Text', 'xs:string') +
    element('Seconds', 'xs:int') +
    element('Repeat', 't:Repeat', optional),
  ShowFingerprint:
    element('Card', 't:CardNo') +
    element('StartTime', 'xs:dateTime') +
    ['Seconds', 'X', 'Y', 'Height', 'Slot'].map((name) => element(name, 'xs:int')).join(''),
  ResetPin: element('Card', 't:CardNo'),
  ChangePin: element('Card', 't:CardNo') + element('NewPin', 'xs:string'),
  GetVersion: '',
};
const lists = element('Cards', 't:CardList', optional) + element('Boxes', 't:BoxList', optional);
const answers: Readonly<Record<string, string>> = {
  ListEntitlements: element('Package', 'xs:int', optional + many),
  QueryPairingByCard: lists,
  QueryPairingByBox: lists,
};
const operations = Object.keys(requests);

function complexType(name: string, content: string): string {
  return `<xs:complexType name="${name}"><xs:sequence>${content}</xs:sequence></xs:complexType>`;
}

/** The WSDL of a CAS of another style: children in a second namespace, numeric codes, a login in the header. */
export const acme: Readonly<Record<string, string>> = {
  'acme.xsd': `<xs:schema ${XS} xmlns:t="${types}" targetNamespace="${types}" elementFormDefault="qualified">
    <xs:simpleType name="CardNo"><xs:restriction base="xs:string"><xs:pattern value="[0-9]{11}"/></xs:restriction></xs:simpleType>
    <xs:simpleType name="Action"><xs:restriction base="xs:string"><xs:enumeration value="GRANT"/><xs:enumeration value="REVOKE"/></xs:restriction></xs:simpleType>
    ${complexType('CardList', element('No', 't:CardNo', many))}${complexType('BoxList', element('Serial', 'xs:string', many))}
    ${complexType('Repeat', element('Times', 'xs:int') + element('Interval', 'xs:int'))}
    ${complexType('Login', element('User', 'xs:string') + element('Password', 'xs:string'))}
    ${complexType('Outcome', element('Result', 'xs:int') + element('Info', 'xs:string', optional) + element('Ticket', 'xs:string', optional))}
    ${operations.map((name) => complexType(name, requests[name] ?? '')).join('')}
    ${operations.map((name) => `<xs:complexType name="${name}Reply"><xs:complexContent><xs:extension base="t:Outcome"><xs:sequence>${answers[name] ?? ''}</xs:sequence></xs:extension></xs:complexContent></xs:complexType>`).join('')}
  </xs:schema>`,
  'acme.wsdl': wsdlOf({
    schema: `<xs:schema ${XS} xmlns:t="${types}" targetNamespace="${messages}"><xs:import namespace="${types}" schemaLocation="acme.xsd"/>
      ${operations.map((name) => element(name, `t:${name}`) + element(`${name}Reply`, `t:${name}Reply`)).join('')}${element('Login', 't:Login')}</xs:schema>`,
    operations,
    header: 'Login',
  }),
};

/** A WSDL whose operations take the element of their own name, and answer with it and `Reply`. */
export function wsdlOf(parts: {
  readonly schema: string;
  readonly operations: readonly string[];
  readonly header?: string;
  readonly soap?: '' | '12';
  readonly style?: string;
}): string {
  const { header, soap = '' } = parts;
  const message = (name: string, of: string): string =>
    `<wsdl:message name="${name}"><wsdl:part name="p" element="m:${of}"/></wsdl:message>`;
  const demanded = header === undefined ? '' : '<soap:header message="s:Header" part="p" use="literal"/>';
  return `<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap${soap}/" xmlns:m="${messages}" xmlns:s="urn:acme:service" targetNamespace="urn:acme:service">
    <wsdl:types>${parts.schema}</wsdl:types>${header === undefined ? '' : message('Header', header)}
    ${parts.operations.map((name) => message(`${name}In`, name) + message(`${name}Out`, `${name}Reply`)).join('')}
    <wsdl:portType name="Cas">${parts.operations.map((name) => `<wsdl:operation name="${name}"><wsdl:input message="s:${name}In"/><wsdl:output message="s:${name}Out"/></wsdl:operation>`).join('')}</wsdl:portType>
    <wsdl:binding name="CasSoap" type="s:Cas"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    ${parts.operations.map((name) => `<wsdl:operation name="${name}"><soap:operation soapAction="urn:acme/${name}"/><wsdl:input>${demanded}<soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>`).join('')}
    </wsdl:binding><wsdl:service name="CasService"><wsdl:port name="CasPort" binding="s:CasSoap"><soap:address location="http://cas.example/cas/soap"/></wsdl:port></wsdl:service>
  </wsdl:definitions>`;
}

/** Which operation of acme is for which command. */
export const acmeChoice: readonly (readonly [operation: string, command: CommandType])[] = [
  ['SetEntitlement', 'ADD_SUBSCRIPTIONS'],
  ['SetEntitlement', 'CANCEL_SUBSCRIPTIONS'],
  ['ListEntitlements', 'GET_ACTIVE_SUBSCRIPTIONS'],
  ['PairDevices', 'CREATE_PAIRING'],
  ['ExtendPairing', 'ADD_TO_EXISTING_PAIRING'],
  ['QueryPairingByCard', 'GET_PAIRING_STATUS_FOR_CARD'],
  ['QueryPairingByBox', 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE'],
  ['SendMail', 'SEND_MAIL_MESSAGE_TO_CLIENT'],
  ['ShowOsd', 'SEND_BARK_MESSAGE_TO_CLIENT'],
  ['ShowOsd', 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT'],
  ['ShowFingerprint', 'DISPLAY_FINGERPRINT'],
  ['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE'],
  ['ChangePin', 'UPDATE_CA_PIN_TO_GIVEN_VALUE'],
];

/** Runs `conax init` without the command line, and writes the files. */
export function initialised(
  wsdl: string,
  directory: string,
  choice: readonly (readonly [operation: string, command: CommandType])[],
  force = false,
): Skeleton & { readonly outline: WsdlOutline } {
  const outline = readOutline(wsdl);
  const chosen = choice.map(([name, command]): Chosen => {
    const operation = outline.operations.find((one) => one.name === name);
    if (operation === undefined) throw new Error(`no operation ${name}`);
    return { operation, command };
  });
  const skeleton = makeSkeleton({ file: wsdl, outline }, chosen, directory, force);
  writeFiles(skeleton.files);
  return { ...skeleton, outline };
}
