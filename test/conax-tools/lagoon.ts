const ops = 'urn:lagoon:ops';
const types = 'urn:lagoon:types';
const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"';

const element = (name: string, type: string, more = ''): string => `<xs:element name="${name}" type="${type}"${more}/>`;
const sequence = (content: string): string => `<xs:sequence>${content}</xs:sequence>`;
const complexType = (name: string, content: string): string =>
  `<xs:complexType name="${name}">${sequence(content)}</xs:complexType>`;
const optional = ' minOccurs="0"';
const many = ' maxOccurs="unbounded"';

const card = element('SmartCard', 't:CardNumber');
const text = element('MessageText', 'xs:string');
const cards = (more = ''): string => element('SmartCardNo', 't:CardNumber', more + many);
const boxes = (more = ''): string => element('StbId', 'xs:string', more + many);
const number = (name: string, more = ''): string => element(name, 'xs:int', more);
const pair = cards(optional) + boxes(optional);

/** What each operation takes, and what its answer has besides result code, text and ticket; null if it answers with nothing. */
const operations: Readonly<Record<string, readonly [request: string, answer: string | null]>> = {
  AuthorizeProduct: [card + element('ProductId', 'xs:string') + element('Window', 't:Window', optional), ''],
  DeauthorizeProduct: [card + element('ProductId', 'xs:string'), ''],
  QueryProducts: [
    card + number('PageSize', optional),
    element('Products', 't:Products', optional) +
      element('HasMore', 'xs:boolean', optional) +
      number('Count', optional),
  ],
  BindDevices: [cards() + boxes(), ''],
  AddToBinding: [element('BoundCard', 't:CardNumber') + pair, ''],
  QueryBindingByCard: [card, pair],
  QueryBindingByStb: [element('StbId', 'xs:string'), pair],
  SendEmail: [card + text + element('StartTime', 'xs:dateTime') + number('QueueNo', optional), ''],
  SendOsd: [
    card +
      text +
      element('StartTime', 'xs:dateTime') +
      number('DurationSeconds') +
      number('RepeatCount', optional) +
      number('IntervalSeconds', optional),
    '',
  ],
  ShowFingerprint: [
    card +
      element('DisplayTime', 'xs:dateTime') +
      number('DurationSeconds') +
      element('Position', 't:Position') +
      number('Height') +
      number('Slot'),
    '',
  ],
  ResetPin: [card, null],
  SetPin: [card + element('Pin', 'xs:string'), null],
};
const names = Object.keys(operations);
const answerOf = (name: string): string | null => operations[name]?.[1] ?? null;

const answerType = (name: string): string =>
  `<xs:complexType name="${name}Answer"><xs:complexContent><xs:extension base="t:Outcome">${sequence(answerOf(name) ?? '')}</xs:extension></xs:complexContent></xs:complexType>`;
const declared = names.flatMap((name) => [
  element(name, `t:${name}`),
  ...(answerOf(name) === null ? [] : [element(`${name}Result`, `t:${name}Answer`)]),
]);

const message = (name: string, part: string): string =>
  `<wsdl:message name="${name}"><wsdl:part name="body" ${part}/></wsdl:message>`;
const messages = names.flatMap((name) => [
  message(`${name}In`, `element="o:${name}"`),
  ...(answerOf(name) === null ? [] : [message(`${name}Out`, `element="o:${name}Result"`)]),
]);
const bodyOf = (namespace: string): string => `<soap:body use="literal"${namespace}/>`;
const bound = (name: string, input: string, output: string): string =>
  `<wsdl:operation name="${name}"><soap:operation soapAction="urn:lagoon/${name}"/><wsdl:input>${input}</wsdl:input>${output}</wsdl:operation>`;
const security = '<soap:header message="s:Security" part="body" use="literal"/>';

/**
 * A CAS of another style: SOAP 1.2, a login of WS-Security, children in a second namespace whose types a schema without a
 * namespace has, numeric codes, an optional period, records in pages, two operations that answer with nothing, and an
 * operation without an answer and one of rpc style beside them.
 */
export const lagoon: Readonly<Record<string, string>> = {
  'xsd/common.xsd': `<xs:schema ${XS} elementFormDefault="qualified">
    <xs:simpleType name="CardNumber"><xs:restriction base="xs:string"><xs:pattern value="[0-9]{8,16}"/></xs:restriction></xs:simpleType>
    ${complexType('Window', element('ValidFrom', 'xs:dateTime') + element('ValidTo', 'xs:dateTime'))}
    ${complexType('Outcome', number('ResultCode') + element('ResultText', 'xs:string', optional) + element('TicketNo', 'xs:string', optional))}
    ${complexType('Product', element('Name', 'xs:string', optional) + element('ProductId', 'xs:string'))}
    ${complexType('Products', element('Product', 'Product', optional + many))}
    ${complexType('Position', number('X') + number('Y'))}
  </xs:schema>`,
  'xsd/types.xsd': `<xs:schema ${XS} xmlns:t="${types}" targetNamespace="${types}" elementFormDefault="qualified">
    <xs:include schemaLocation="common.xsd"/>
    ${names.map((name) => complexType(name, operations[name]?.[0] ?? '') + (answerOf(name) === null ? '' : answerType(name))).join('')}
  </xs:schema>`,
  'xsd/wsse.xsd': `<xs:schema ${XS} xmlns:w="${wsse}" targetNamespace="${wsse}" elementFormDefault="qualified">
    ${complexType('Token', element('Username', 'xs:string') + element('Password', 'xs:string'))}
    ${complexType('Header', element('UsernameToken', 'w:Token'))}${element('Security', 'w:Header')}
  </xs:schema>`,
  'lagoon.wsdl': `<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap12/" ${XS} xmlns:o="${ops}" xmlns:w="${wsse}" xmlns:s="urn:lagoon:service" targetNamespace="urn:lagoon:service">
    <wsdl:types><xs:schema xmlns:t="${types}" targetNamespace="${ops}"><xs:import namespace="${types}" schemaLocation="xsd/types.xsd"/><xs:import namespace="${wsse}" schemaLocation="xsd/wsse.xsd"/>
    ${declared.join('')}${element('Note', 'xs:string')}</xs:schema></wsdl:types>
    ${message('Security', 'element="w:Security"')}${messages.join('')}${message('NoteIn', 'element="o:Note"')}<wsdl:message name="Nothing"/>${message('Echo', 'type="xs:string"')}
    <wsdl:portType name="Lagoon">${names.map((name) => `<wsdl:operation name="${name}"><wsdl:input message="s:${name}In"/><wsdl:output message="s:${answerOf(name) === null ? 'Nothing' : `${name}Out`}"/></wsdl:operation>`).join('')}<wsdl:operation name="Note"><wsdl:input message="s:NoteIn"/></wsdl:operation></wsdl:portType>
    <wsdl:portType name="Echoes"><wsdl:operation name="Echo"><wsdl:input message="s:Echo"/><wsdl:output message="s:Echo"/></wsdl:operation></wsdl:portType>
    <wsdl:binding name="LagoonSoap" type="s:Lagoon"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    ${names.map((name) => bound(name, security + bodyOf(''), `<wsdl:output>${bodyOf('')}</wsdl:output>`)).join('')}${bound('Note', bodyOf(''), '')}</wsdl:binding>
    <wsdl:binding name="EchoSoap" type="s:Echoes"><soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>${bound('Echo', bodyOf(` namespace="${ops}"`), `<wsdl:output>${bodyOf(` namespace="${ops}"`)}</wsdl:output>`)}</wsdl:binding>
    <wsdl:service name="LagoonService"><wsdl:port name="LagoonPort" binding="s:LagoonSoap"><soap:address location="http://cas.example/lagoon/v3"/></wsdl:port><wsdl:port name="EchoPort" binding="s:EchoSoap"><soap:address location="http://cas.example/echo"/></wsdl:port></wsdl:service>
  </wsdl:definitions>`,
};
