import { type Construct, granting, holderAndTitle, HOLDER, sequence, TITLE, typesWith } from './construct.ts';
import { bodies, elements, schema, types, wsdl } from './quay.ts';

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const passwordText = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText';
const token =
  `<wsse:Security xmlns:wsse="${wsse}" s:mustUnderstand="1"><wsse:UsernameToken><wsse:Username>{{username}}</wsse:Username>` +
  `<wsse:Password Type="${passwordText}">{{password}}</wsse:Password></wsse:UsernameToken></wsse:Security>`;
const policy = `
  <wsp:Policy xmlns:wsp="http://www.w3.org/ns/ws-policy" xmlns:wsu="${wsu}" wsu:Id="Login">
    <sp:SupportingTokens xmlns:sp="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702"><wsp:Policy>
      <sp:UsernameToken sp:IncludeToken="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702/IncludeToken/AlwaysToRecipient"/>
    </wsp:Policy></sp:SupportingTokens>
  </wsp:Policy>`;
const demanded = '<wsp:PolicyReference xmlns:wsp="http://www.w3.org/ns/ws-policy" URI="#Login"/>';
const wsa = 'http://www.w3.org/2005/08/addressing';
const addressed =
  `<wsa:To xmlns:wsa="${wsa}">http://quay.example/main</wsa:To><wsa:Action xmlns:wsa="${wsa}">urn:example:quay:ACTION</wsa:Action>` +
  `<wsa:MessageID xmlns:wsa="${wsa}">{{messageId}}</wsa:MessageID>`;
/** The action in the header is that of the operation. */
const withAction = (text: string): string =>
  text.replace('quay:ACTION', `quay:${/<m:(Permits|Permit|Withdraw)>/.exec(text)?.[1]}`);
const utf16 = (text: string): Buffer => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
const utf16be = (text: string): Buffer => utf16(text).swap16();
/** ISO 8859-7 for ASCII and Greek letters. */
const greek = (text: string): Buffer =>
  Buffer.from(
    Array.from(text, (c) =>
      (c.codePointAt(0) ?? 0) < 0x80 ? (c.codePointAt(0) ?? 0) : (c.codePointAt(0) ?? 0) - 0x2d0,
    ),
  );
const declared = (charset: string): string => `<?xml version="1.0" encoding="${charset}"?>`;
const deskDemanded = {
  'quay.xsd': schema(`<xs:element name="Desk" type="xs:string"/>${elements}${types}`),
  'quay.wsdl': wsdl({
    messages: '<wsdl:message name="Desk"><wsdl:part name="desk" element="m:Desk"/></wsdl:message>',
    input: '<soap:header message="t:Desk" part="desk" use="literal"/><soap:body parts="body" use="literal"/>',
  }),
};

/** What the messages of others have: headers, charsets, SOAP 1.2, MTOM, and answers of another form. */
export const messageConstructs: Readonly<Record<string, Construct>> = {
  'a header that the binding demands': {
    verdict: 'works',
    header: '<m:Desk>CRM</m:Desk>',
    files: deskDemanded,
  },
  'a header that the binding demands and the template leaves out': {
    verdict: 'works',
    warning:
      /requests\/Permit\.xml:2: the WSDL demands the header \{urn:example:quay:messages\}Desk; add it to the Header \(3 places: also /,
    files: deskDemanded,
  },
  'a header that its schema forbids': {
    verdict: /Permit\.xml:3: .*Desk/,
    header: '<m:Desk>elsewhere</m:Desk>',
    files: {
      'quay.xsd': schema(
        `<xs:element name="Desk"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="CRM"/></xs:restriction></xs:simpleType></xs:element>${elements}${types}`,
      ),
    },
  },
  'a policy that demands a UsernameToken': {
    verdict: 'works',
    warning: /quay\.wsdl:\d+: the binding has a policy or demands WS-Addressing.*write what it demands/,
    header: token,
    username: 'crm',
    password: 'open<sesame>&more',
    cxf: { username: 'crm', password: 'open<sesame>&more', policy: 'true' },
    files: { 'quay.wsdl': wsdl({ demands: demanded }).replace('<wsdl:types>', `${policy}<wsdl:types>`) },
  },
  'WS-Security without a policy in the WSDL': {
    verdict: 'works',
    header: token,
    username: 'crm',
    password: 'open<sesame>&more',
    cxf: { username: 'crm', password: 'open<sesame>&more' },
  },
  'WS-Addressing that the binding demands': {
    verdict: 'works',
    warning: /quay\.wsdl:\d+: the binding has a policy or demands WS-Addressing.*write what it demands/,
    header: addressed,
    template: withAction,
    cxf: { addressing: 'true' },
    files: {
      'quay.wsdl': wsdl({
        demands: '<wsaw:UsingAddressing xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl" wsdl:required="true"/>',
      }),
    },
  },
  'SOAP 1.2': {
    verdict: 'works',
    soapVersion: '1.2',
    files: { 'quay.wsdl': wsdl({ soap: 'soap12' }) },
  },
  'answers as MTOM': { verdict: 'works', cxf: { mtom: 'true' } },
  'answers as MTOM in SOAP 1.2': {
    verdict: 'works',
    soapVersion: '1.2',
    cxf: { mtom: 'true' },
    files: { 'quay.wsdl': wsdl({ soap: 'soap12' }) },
  },
  'answers in UTF-16': { verdict: 'works', cxf: { encoding: 'UTF-16' } },
  'answers in ISO-8859-7': { verdict: 'works', cxf: { encoding: 'ISO-8859-7' } },
  'WSDL and schema in UTF-16': {
    verdict: 'works',
    files: {
      'quay.wsdl': utf16(wsdl({ declaration: declared('UTF-16') })),
      'quay.xsd': utf16be(declared('UTF-16') + schema(`<!-- Σχήμα -->${elements}${types}`)),
    },
  },
  'WSDL, schema and template in ISO-8859-7': {
    verdict: 'works',
    bodies: granting(`${holderAndTitle}<m:Desk>Αθήνα</m:Desk>`),
    reads: [HOLDER, TITLE, 'Αθήνα'],
    template: (text) => greek(text.replace('encoding="UTF-8"', 'encoding="ISO-8859-7"')),
    files: {
      'quay.wsdl': greek(wsdl({ declaration: declared('ISO-8859-7') })),
      'quay.xsd': greek(
        `${declared('ISO-8859-7')}${schema(
          `${elements}${typesWith(sequence('', '<xs:element name="Desk" type="Desk"/>'))}<xs:simpleType name="Desk"><xs:restriction base="xs:string"><xs:enumeration value="Αθήνα"/></xs:restriction></xs:simpleType>`,
        )}`,
      ),
    },
  },
  'a WSDL with a byte order mark and a document type': {
    verdict: 'works',
    cxf: { cannot: 'it takes no document type' },
    files: { 'quay.wsdl': `\uFEFF${wsdl()}`.replace('?>\n', '?>\n<!DOCTYPE wsdl:definitions>\n') },
  },
  'a status code that can never hold success': {
    verdict: /conax\.json:\d+: .*(Verdict|statusCode).*/,
    files: {
      'quay.xsd': schema(elements + types.replace('name="Verdict" type="xs:string"', 'name="Verdict" type="xs:int"')),
    },
  },
  'an answer path that the schema does not have': {
    verdict: /conax\.json:\d+: .*Verdict/,
    files: { 'quay.xsd': schema(elements + types.replace('name="Verdict"', 'name="Outcome"')) },
  },
  'a body element that the WSDL does not have': {
    verdict: /Permit\.xml:\d+: .*Allow/,
    bodies: { ...bodies, Permit: bodies.Permit.replaceAll('m:Permit>', 'm:Allow>') },
  },
};
