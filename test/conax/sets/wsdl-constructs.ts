import { type Construct } from './construct.ts';
import {
  binding,
  definitions,
  elements,
  importOf,
  messages,
  portType,
  schema,
  service,
  types,
  W,
  wsdl,
} from './quay.ts';

const operation = (name: string, input: string, output: string): string => `
    <wsdl:operation name="${name}">${input}${output}</wsdl:operation>`;
const boundOperation = (name: string, twoWay: boolean): string => `
    <wsdl:operation name="${name}"><soap:operation soapAction="urn:example:quay:${name}"/><wsdl:input><soap:body use="literal"/></wsdl:input>${
      twoWay ? '<wsdl:output><soap:body use="literal"/></wsdl:output>' : ''
    }</wsdl:operation>`;
/** Two imported WSDLs with the same names of messages and port types; in the second one Permit means Withdraw. */
const clashing = (namespace: string, permit: string, withdraw: string): string =>
  definitions(
    `<wsdl:types>${importOf()}</wsdl:types>${messages()
      .replaceAll('m:Permit"', `m:${permit}"`)
      .replaceAll('m:Withdraw"', `m:${withdraw}"`)}${portType()}`,
    undefined,
    namespace,
  );

/** What WSDLs of others have in their operations, ports and imports. */
export const wsdlConstructs: Readonly<Record<string, Construct>> = {
  'nothing out of the ordinary': { verdict: 'works' },
  'imports of two WSDLs whose names clash': {
    verdict: 'works',
    files: {
      'quay.wsdl': definitions(
        `<wsdl:import namespace="urn:example:quay:this" location="this.wsdl"/><wsdl:import namespace="urn:example:quay:that" location="that.wsdl"/>` +
          binding('Main').replace('type="t:Quay"', 'xmlns:this="urn:example:quay:this" type="this:Quay"') +
          service(),
      ),
      'this.wsdl': clashing('urn:example:quay:this', 'Permit', 'Withdraw'),
      'that.wsdl': clashing('urn:example:quay:that', 'Withdraw', 'Permit'),
    },
  },
  'a one-way operation beside': {
    verdict: 'works',
    files: {
      'quay.wsdl': wsdl({
        messages: '<wsdl:message name="Ping"><wsdl:part name="body" element="m:Ping"/></wsdl:message>',
        portType: operation('Ping', '<wsdl:input message="t:Ping"/>', ''),
        binding: boundOperation('Ping', false),
      }),
      'quay.xsd': schema(`<xs:element name="Ping" type="Ask"/>${elements}${types}`),
    },
  },
  'an operation beside whose part is a type': {
    verdict: 'works',
    cxf: { cannot: 'a document/literal part must be an element' },
    files: {
      'quay.wsdl': wsdl({
        messages: '<wsdl:message name="Ping"><wsdl:part name="body" type="xs:string"/></wsdl:message>',
        portType: operation('Ping', '<wsdl:input message="t:Ping"/>', '<wsdl:output message="t:PermitDone"/>'),
        binding: boundOperation('Ping', true),
      }),
    },
  },
  'an operation beside without parts': {
    verdict: 'works',
    files: {
      'quay.wsdl': wsdl({
        messages: '<wsdl:message name="Ping"/><wsdl:message name="Pong"/>',
        portType: operation('Ping', '<wsdl:input message="t:Ping"/>', '<wsdl:output message="t:Pong"/>'),
        binding: boundOperation('Ping', true),
      }),
    },
  },
  'a second binding in rpc style': {
    verdict: 'works',
    cxf: { port: 'Main' },
    files: {
      'quay.wsdl': wsdl({
        messages: '<wsdl:message name="Old"><wsdl:part name="card" type="xs:string"/></wsdl:message>',
        top: `
  <wsdl:portType name="Old">${operation('Old', '<wsdl:input message="t:Old"/>', '<wsdl:output message="t:Old"/>')}</wsdl:portType>
  <wsdl:binding name="Old" type="t:Old"><soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="Old"><soap:operation soapAction=""/><wsdl:input><soap:body use="literal" namespace="urn:example:old"/></wsdl:input>
      <wsdl:output><soap:body use="literal" namespace="urn:example:old"/></wsdl:output></wsdl:operation></wsdl:binding>`,
        ports: '<wsdl:port name="Old" binding="t:Old"><soap:address location="http://quay.example/old"/></wsdl:port>',
      }),
    },
  },
  'a second binding in rpc style whose operations have the same names': {
    verdict: 'works',
    cxf: { port: 'Main' },
    files: {
      'quay.wsdl': wsdl({
        top:
          binding('Old', { action: () => 'urn:example:quay:old' })
            .replace('style="document"', 'style="rpc"')
            .replaceAll('<soap:body ', '<soap:body namespace="urn:example:old" ')
            .replace('type="t:Quay"', 'type="t:Old"') + portType().replace('name="Quay"', 'name="Old"'),
        ports: '<wsdl:port name="Old" binding="t:Old"><soap:address location="http://quay.example/old"/></wsdl:port>',
      }),
    },
  },
  'an import by URL that the fields need': {
    verdict: 'works',
    warning: /http:\/\/quay\.example:8080\/Cas\?xsd=1.*(beside|save)/,
    cxf: { cannot: 'it would fetch the URL' },
    files: { 'quay.wsdl': wsdl({ types: importOf('http://quay.example:8080/Cas?xsd=1') }) },
  },
  'an import by URL whose file is beside the WSDL': {
    verdict: 'works',
    cxf: { cannot: 'it would fetch the URL' },
    files: { 'quay.wsdl': wsdl({ types: importOf('http://quay.example:8080/schemas/quay.xsd') }) },
  },
  'an import by URL of a namespace that nothing uses': {
    verdict: 'works',
    warning: /http:\/\/schemas\.xmlsoap\.org\/soap\/encoding\//,
    cxf: { cannot: 'it would fetch the URL' },
    files: {
      'quay.wsdl': wsdl({
        types:
          importOf('http://schemas.xmlsoap.org/soap/encoding/', 'http://schemas.xmlsoap.org/soap/encoding/') +
          importOf(),
      }),
    },
  },
  'two ports of which the second one speaks SOAP 1.2': {
    verdict: 'works',
    cxf: { port: 'Main' },
    files: {
      'quay.wsdl': wsdl({
        top: binding('Newer', { soap: 'soap12' }),
        ports:
          '<wsdl:port name="Newer" binding="t:Newer"><soap12:address location="http://quay.example/newer"/></wsdl:port>',
      }),
    },
  },
  'only a port that speaks SOAP 1.2, and templates that speak 1.1': {
    verdict:
      /Permit\.xml:2: the envelope is SOAP 1\.1, and the WSDL takes Permit in SOAP 1\.2 only \(Main\); the namespace/,
    files: { 'quay.wsdl': wsdl({ soap: 'soap12' }) },
  },
  'two ports with different actions': {
    verdict: /Main.*Second|Second.*Main/,
    files: {
      'quay.wsdl': wsdl({
        top: binding('Second', { action: (name) => `urn:example:second:${name}` }),
        ports:
          '<wsdl:port name="Second" binding="t:Second"><soap:address location="http://quay.example/second"/></wsdl:port>',
      }),
    },
  },
  'two ports with different actions, one of them named': {
    verdict: 'works',
    cxf: { port: 'Second' },
    command: { soapAction: 'urn:example:second:ACTION' },
    files: {
      'quay.wsdl': wsdl({
        top: binding('Second', { action: () => 'urn:example:second:ACTION' }),
        ports:
          '<wsdl:port name="Second" binding="t:Second"><soap:address location="http://quay.example/second/quay"/></wsdl:port>',
      }),
    },
  },
  'a WSDL in another directory with a schema above it': {
    verdict: 'works',
    files: {
      'quay.wsdl': definitions(
        `<wsdl:import namespace="${W}:port" location="deep/er/port.wsdl"/>${binding('Main').replace('type="t:Quay"', `xmlns:p="${W}:port" type="p:Quay"`)}${service()}`,
      ),
      'deep/er/port.wsdl': definitions(
        `<wsdl:types>${importOf('../../quay.xsd')}</wsdl:types>${messages()}${portType()}`,
        undefined,
        `${W}:port`,
      ),
    },
  },
  'a WSDL that is no XML': {
    verdict: /quay\.wsdl:\d+: is no XML: .*types line \d+.*; correct it/,
    files: { 'quay.wsdl': wsdl().replace('</wsdl:types>', '') },
  },
  'a WSDL of version 2.0': {
    verdict: /quay\.wsdl:1: is no WSDL 1\.1 but .*description/,
    files: { 'quay.wsdl': '<description xmlns="http://www.w3.org/ns/wsdl" targetNamespace="urn:example:quay"/>' },
  },
  'a WSDL that is not there': {
    verdict:
      /soapAction: is missing, and so is missing\.wsdl, which may have it[^]*quay\.wsdl:\d+: refers to missing\.wsdl: the file is missing; put it beside this file/,
    files: {
      'quay.wsdl': definitions(`<wsdl:import namespace="${W}" location="missing.wsdl"/>${binding('Main')}${service()}`),
    },
  },
  'a WSDL that is not there, and the action named': {
    verdict: 'works',
    warning: /quay\.wsdl:\d+: refers to missing\.wsdl: the file is missing; put it beside this file/,
    cxf: { cannot: 'a file is missing' },
    command: { soapAction: '' },
    files: {
      'quay.wsdl': definitions(
        `<wsdl:import namespace="${W}:port" location="missing.wsdl"/><wsdl:types>${schema('<xs:element name="Old" type="xs:string"/>')}</wsdl:types>${binding('Main')}${service()}`,
      ),
    },
  },
  'a schema that is not there': {
    verdict: 'works',
    warning: /missing\.xsd/,
    cxf: { cannot: 'a file is missing' },
    files: { 'quay.wsdl': wsdl({ types: importOf('missing.xsd') }) },
  },
};
