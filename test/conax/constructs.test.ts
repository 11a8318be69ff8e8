/** WSDLs with every construct that other CASs have: each works, judged by Apache CXF as server, or is named when the client starts. */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import type { ConaxClient } from '../../src/conax/client.types.ts';
import { type CxfServers, type ReadCall, type ReadElement, startCxf } from './servers/cxf.ts';
import { type Construct, HOLDER, TITLE } from './sets/construct.ts';
import { messageConstructs } from './sets/message-constructs.ts';
import { commandOf, M, type Operation, operations, writeSet } from './sets/quay.ts';
import { schemaConstructs } from './sets/schema-constructs.ts';
import { wsdlConstructs } from './sets/wsdl-constructs.ts';
import { call, device, openClient } from './support.ts';

const constructs: Readonly<Record<string, Construct>> = {
  ...wsdlConstructs,
  ...schemaConstructs,
  ...messageConstructs,
};

let cxf: CxfServers;
beforeAll(async () => {
  cxf = await startCxf();
});
afterAll(async () => {
  await cxf.close();
});

/** Everything that an element holds: its attributes and texts, in their order. */
function contentOf({ attributes, text, children }: ReadElement): string[] {
  return [...Object.values(attributes), ...(children === undefined ? [text ?? ''] : children.flatMap(contentOf))];
}

const withoutUuid = (text: string): string => text.replace(/^urn:uuid:[\da-f-]{36}$/, 'urn:uuid');

function answerOf(operation: Operation, namespace: string): string {
  const one = (name: string, text: string): string => `<${name} xmlns="${namespace}">${text}</${name}>`;
  const held = operation === 'Permits' ? one('Title', TITLE) + one('Title', '7') : '';
  const content = one('Verdict', 'OK') + one('Why', 'έγινε') + one('Slip', 'S-1') + held;
  return `<m:${operation}Done xmlns:m="${M}">${content}</m:${operation}Done>`;
}

async function callEach(client: ConaxClient) {
  const calls = {
    Permit: call({ type: commandOf.Permit, smartcard: HOLDER, service: device(TITLE) }),
    Withdraw: call({ type: commandOf.Withdraw, smartcard: HOLDER, service: device(TITLE) }),
    Permits: call({ type: commandOf.Permits, smartcard: device(HOLDER) }),
  };
  return [await client.call(calls.Permit), await client.call(calls.Withdraw), await client.call(calls.Permits)];
}

describe('a CAS whose files have', () => {
  it.each(Object.entries(constructs).filter(([, { verdict }]) => verdict === 'works'))(
    '%s receives every command as it was meant',
    async (name, construct: Construct) => {
      const file = await writeSet(construct);
      const path = `/${Object.keys(constructs).indexOf(name)}`;
      const how = construct.cxf ?? {};
      const files = 'schema' in how ? { 'quay.xsd': how.schema } : {};
      const judged = 'cannot' in how ? await writeSet({ files }) : file;
      const parameters = 'cannot' in how ? {} : how;
      await cxf.publish(`${path}/quay`, { ...parameters, wsdl: join(dirname(judged), 'wsdl/quay.wsdl') });
      for (const operation of operations) {
        const answer = answerOf(operation, construct.inner ?? M);
        await cxf.answer(`${path}/quay`, operation, answer);
      }
      const { unchecked, warnings: noticed } = await loadCasDefinition(file);
      const warnings = [...unchecked, ...noticed].join('\n');
      expect(warnings).toMatch(construct.warning ?? /^$/);
      const { username, password } = construct;
      const client = await openClient(cxf.url + path, { mappingFile: file, username, password });
      const exchanges = await callEach(client);
      await client.close();
      for (const written of new Set([file, judged])) await rm(dirname(written), { recursive: true });

      const received = (await cxf.received(`${path}/quay`)) as ReadCall[];
      expect(exchanges.map(({ answer }) => answer)).toEqual([
        { kind: 'accepted', referenceNumber: 'S-1', activeServices: null, pairing: null },
        { kind: 'accepted', referenceNumber: 'S-1', activeServices: null, pairing: null },
        { kind: 'accepted', referenceNumber: 'S-1', activeServices: [TITLE, '7'], pairing: null },
      ]);
      expect(received.map(({ operation }) => operation.replace(/^.*\}/, ''))).toEqual(operations);
      const contents = received.map(({ body }) => body.flatMap(contentOf).map(withoutUuid));
      const reads = construct.reads ?? [HOLDER, TITLE];
      expect(contents).toEqual([reads, reads, [HOLDER]]);
    },
  );

  it.each([
    ['a policy that demands a UsernameToken', { password: 'wrong' }],
    ['a policy that demands a UsernameToken', { header: '' }],
    ['WS-Security without a policy in the WSDL', { password: 'wrong' }],
    ['WS-Security without a policy in the WSDL', { header: '' }],
    ['WS-Addressing that the binding demands', { header: '' }],
  ] as const)('%s is judged: with %o nothing is received', async (name, wrong) => {
    const construct: Construct = { verdict: 'works', ...constructs[name], ...wrong };
    const file = await writeSet(construct);
    const path = `/wrong-${name.length}-${JSON.stringify(wrong).length}`;
    await cxf.publish(`${path}/quay`, { ...construct.cxf, wsdl: join(dirname(file), 'wsdl/quay.wsdl') });
    const { username = 'crm', password = 'any' } = construct;
    const client = await openClient(cxf.url + path, { mappingFile: file, username, password });
    const exchanges = await callEach(client);
    await client.close();
    await rm(dirname(file), { recursive: true });
    expect(exchanges.map(({ answer }) => answer.kind)).not.toContain('accepted');
    expect(await cxf.received(`${path}/quay`)).toEqual([]);
  });

  it.each(Object.entries(constructs).filter(([, { verdict }]) => verdict !== 'works'))(
    '%s is refused at start, and named',
    async (_name, { verdict, ...set }) => {
      const file = await writeSet(set);
      const refusal = await openClient(cxf.url, { mappingFile: file }).then(
        () => 'started',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      await rm(dirname(file), { recursive: true });
      expect(refusal).toMatch(/^CONAX_MAPPING_FILE .*: \d+ to fix:\n/);
      expect(refusal).toMatch(verdict);
    },
  );
});
