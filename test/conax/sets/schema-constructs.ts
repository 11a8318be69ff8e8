import { type Construct, granting, holderAndTitle, HOLDER, sequence, TITLE, typesWith } from './construct.ts';
import { bodies, elements, importOf, M, schema, schemaOfNone, types, wsdl } from './quay.ts';

const nil = '<m:Until xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>';
const grantType = (name: string, base: string, more: string): string =>
  `<xs:complexType name="${name}"><xs:complexContent><xs:extension base="${base}"><xs:sequence>${more}</xs:sequence></xs:extension></xs:complexContent></xs:complexType>`;

/** What XML schemas of others have. */
export const schemaConstructs: Readonly<Record<string, Construct>> = {
  'an include of a schema without a namespace': {
    verdict: 'works',
    files: {
      'quay.xsd': schema(`<xs:include schemaLocation="parts/types.xsd"/>${elements}`),
      'parts/types.xsd': schemaOfNone(types),
    },
  },
  'includes in a circle': {
    verdict: 'works',
    files: {
      'quay.xsd': schema(`<xs:include schemaLocation="types.xsd"/>${elements}`),
      'types.xsd': schema(`<xs:include schemaLocation="quay.xsd"/>${types}`),
    },
  },
  'one namespace in two inline schemas': {
    verdict: 'works',
    files: { 'quay.wsdl': wsdl({ types: schema(elements) + schema(types) }) },
  },
  'one namespace in two imported files': {
    verdict: 'works',
    files: {
      'quay.wsdl': wsdl({ types: importOf('elements.xsd') + importOf('types.xsd') }),
      'elements.xsd': schema(`<xs:include schemaLocation="types.xsd"/>${elements}`),
      'types.xsd': schema(types),
    },
  },
  'an inline schema that uses a prefix of the WSDL': {
    verdict: 'works',
    files: {
      'quay.wsdl': wsdl({
        types: `<xs:schema targetNamespace="${M}" elementFormDefault="qualified">${(elements + types).replaceAll(/(type|base)="(?!xs:)/g, '$1="m:')}</xs:schema>`,
      }),
    },
  },
  'an inline schema that imports one beside it without a location': {
    verdict: 'works',
    files: {
      'quay.wsdl': wsdl({
        types:
          schema(
            `<xs:import namespace="urn:example:quay:types"/>${elements.replaceAll(/type="/g, 'xmlns:y="urn:example:quay:types" type="y:')}`,
          ) + schema(types).replaceAll(M, 'urn:example:quay:types'),
      }),
    },
    bodies: {
      ...granting(
        '<y:Holder xmlns:y="urn:example:quay:types">{{smartcard}}</y:Holder><y:Title xmlns:y="urn:example:quay:types">{{service}}</y:Title>',
      ),
      Permits: '<m:Permits><y:Holder xmlns:y="urn:example:quay:types">{{smartcard}}</y:Holder></m:Permits>',
    },
    inner: 'urn:example:quay:types',
  },
  'a namespace that is no absolute URI': {
    verdict: 'works',
    files: {
      'quay.wsdl': wsdl({
        types:
          schema(elements + types) +
          `<xs:schema targetNamespace="CasTypes"><xs:element name="Old" type="xs:string"/></xs:schema>`,
      }),
    },
  },
  'a required attribute of an element with text': {
    verdict: 'works',
    bodies: granting('<m:Holder kind="card">{{smartcard}}</m:Holder><m:Title>{{service}}</m:Title>'),
    reads: ['card', HOLDER, TITLE],
    files: {
      'quay.xsd': schema(
        `${elements}${types.replace('<xs:element name="Holder" type="xs:string"/>', '<xs:element name="Holder" type="Number"/>')}
  <xs:complexType name="Number"><xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="kind" use="required" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType>`,
      ),
    },
  },
  'a required attribute that the template leaves out': {
    verdict: /Permit\.xml:\d+: .*kind/,
    files: {
      'quay.xsd': schema(
        `<xs:attributeGroup name="Common"><xs:attribute name="kind" use="required" type="xs:string"/></xs:attributeGroup>${elements}${typesWith(sequence(''), '<xs:attributeGroup ref="Common"/>')}`,
      ),
    },
  },
  'a required attribute by a group, filled with a field': {
    verdict: 'works',
    bodies: granting(holderAndTitle, ' kind="{{requestNumber}}"'),
    reads: ['12345', HOLDER, TITLE],
    files: {
      'quay.xsd': schema(
        `<xs:attributeGroup name="Common"><xs:attribute name="kind" use="required" type="xs:long"/></xs:attributeGroup>${elements}${typesWith(sequence(''), '<xs:attributeGroup ref="Common"/>')}`,
      ),
    },
  },
  'an abstract type that xsi:type fills': {
    verdict: 'works',
    bodies: {
      ...bodies,
      Permit: `<m:Permit xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="m:Dated">${holderAndTitle}<m:Number>{{requestNumber}}</m:Number></m:Permit>`,
      Withdraw: `<m:Withdraw xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="m:Dated">${holderAndTitle}<m:Number>{{requestNumber}}</m:Number></m:Withdraw>`,
    },
    reads: ['m:Dated', HOLDER, TITLE, '12345'],
    files: {
      'quay.xsd': schema(
        `${elements}${types.replace('name="Grant"', 'name="Grant" abstract="true"')}${grantType('Dated', 'Grant', '<xs:element name="Number" type="xs:long"/>')}`,
      ),
    },
  },
  'an abstract type without xsi:type': {
    verdict: /Permit\.xml:\d+: .*(abstract|Permit)/,
    files: { 'quay.xsd': schema(elements + types.replace('name="Grant"', 'name="Grant" abstract="true"')) },
  },
  'a substitution group': {
    verdict: 'works',
    bodies: granting('<m:Card>{{smartcard}}</m:Card><m:Title>{{service}}</m:Title>'),
    reads: [HOLDER, TITLE],
    files: {
      'quay.xsd': schema(
        `<xs:element name="Party" type="xs:string" abstract="true"/><xs:element name="Card" type="xs:string" substitutionGroup="Party"/>${elements}${types.replace(
          '<xs:element name="Holder" type="xs:string"/>',
          '<xs:element ref="Party"/>',
        )}`,
      ),
    },
  },
  'a redefined type': {
    verdict: 'works',
    bodies: granting(`${holderAndTitle}<m:Number>{{requestNumber}}</m:Number>`),
    reads: [HOLDER, TITLE, '12345'],
    cxf: {
      cannot: 'its reader of schemas does not end',
      schema: schema(elements + typesWith(sequence('', '<xs:element name="Number" type="xs:long"/>'))),
    },
    files: {
      'quay.xsd': schema(
        `<xs:redefine schemaLocation="types.xsd">${grantType('Grant', 'Grant', '<xs:element name="Number" type="xs:long"/>')}</xs:redefine>${elements}`,
      ),
      'types.xsd': schema(types),
    },
  },
  'anything of other namespaces before the fields': {
    verdict: 'works',
    bodies: granting(`<x:Trace xmlns:x="urn:example:trace">{{messageId}}</x:Trace>${holderAndTitle}`),
    reads: ['urn:uuid', HOLDER, TITLE],
    files: {
      'quay.xsd': schema(
        elements +
          typesWith(
            sequence('<xs:any namespace="##other" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>'),
          ),
      ),
    },
  },
  'a required element that is nil': {
    verdict: 'works',
    bodies: {
      Permit: `<m:Permit>${holderAndTitle}{{#entitledUntil}}<m:Until>{{entitledUntil}}</m:Until>{{/entitledUntil}}{{^entitledUntil}}${nil}{{/entitledUntil}}</m:Permit>`,
      Withdraw: `<m:Withdraw>${holderAndTitle}${nil}</m:Withdraw>`,
    },
    reads: [HOLDER, TITLE, 'true', ''],
    files: {
      'quay.xsd': schema(
        elements + typesWith(sequence('', '<xs:element name="Until" type="xs:dateTime" nillable="true"/>')),
      ),
    },
  },
  'a required element that nobody fills': {
    verdict: /Permit\.xml:\d+: .*Until/,
    files: { 'quay.xsd': schema(elements + typesWith(sequence('', '<xs:element name="Until" type="xs:dateTime"/>'))) },
  },
  'a constant outside its enumeration': {
    verdict: /Permit\.xml:\d+: .*Mode/,
    bodies: granting(`${holderAndTitle}<m:Mode>Full</m:Mode>`),
    files: {
      'quay.xsd': schema(
        `${elements}${typesWith(sequence('', '<xs:element name="Mode" type="Mode"/>'))}<xs:simpleType name="Mode"><xs:restriction base="xs:string"><xs:enumeration value="FULL"/></xs:restriction></xs:simpleType>`,
      ),
    },
  },
  'elements without a namespace inside': {
    verdict: 'works',
    bodies: {
      ...granting('<Holder>{{smartcard}}</Holder><Title>{{service}}</Title>'),
      Permits: '<m:Permits><Holder>{{smartcard}}</Holder></m:Permits>',
    },
    inner: '',
    files: { 'quay.xsd': schema(elements + types, '') },
  },
  'a choice and a list': {
    verdict: 'works',
    bodies: granting('<m:Holder>{{smartcard}}</m:Holder><m:Titles>{{service}} {{requestNumber}}</m:Titles>'),
    reads: [HOLDER, `${TITLE} 12345`],
    files: {
      'quay.xsd': schema(
        `${elements}${typesWith(
          '<xs:all><xs:element name="Titles"><xs:simpleType><xs:list itemType="xs:token"/></xs:simpleType></xs:element><xs:element name="Holder" type="xs:string"/></xs:all>',
        )}`,
      ),
    },
  },
};
