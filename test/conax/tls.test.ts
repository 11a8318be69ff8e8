import { afterEach, describe, expect, it } from 'vitest';
import type { OpenOptions } from '../../src/conax-checks/open-client.ts';
import { makeIdentity } from './certificates.ts';
import { type Cas, calls, said, startCas } from './support.ts';

const authority = makeIdentity('Test authority');
const stranger = makeIdentity('Another authority');
const server = makeIdentity('CAS', authority);
const service = makeIdentity('Provisioning', authority);
const impostor = makeIdentity('Provisioning', stranger);

const open: Cas[] = [];
afterEach(async () => {
  for (const cas of open.splice(0)) await cas.close();
});

async function callOver(
  options: Partial<OpenOptions>,
  maxVersion?: 'TLSv1.2' | 'TLSv1.3',
): Promise<{ answer: string; arrived: number }> {
  const cas = await startCas(options, {
    tls: { key: server.key, cert: server.cert, clientCa: authority.cert, maxVersion },
  });
  open.push(cas);
  const exchange = await cas.client.call(calls.SEND_MAIL_MESSAGE_TO_CLIENT);
  const view = await openView(cas);
  return { answer: said(exchange.answer), arrived: view };
}

/** How many calls the CAS has seen, asked over a connection that is let in. */
async function openView(cas: Cas): Promise<number> {
  const { Pool } = await import('undici');
  const pool = new Pool(cas.url, { connect: { ca: authority.cert, cert: service.cert, key: service.key } });
  const response = await pool.request({ path: '/simulator/stats', method: 'GET' });
  const { calls: arrived } = (await response.body.json()) as { calls: number };
  await pool.close();
  return arrived;
}

const keys = { ca: authority.cert, cert: service.cert, key: service.key };
const good = { tls: keys };

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('with mutual %s', (version) => {
  it('a client with the right certificate is let in', async () => {
    expect(await callOver(good, version)).toEqual({ answer: 'accepted', arrived: 1 });
  });

  // With TLS 1.3 the client may send before the CAS has looked at its certificate.
  const refused = version === 'TLSv1.2' ? 'not-sent CAS_TLS_FAILED' : 'unknown CAS_CONNECTION_LOST';

  it('a client without a certificate does nothing', async () => {
    expect(await callOver({ tls: { ca: authority.cert } }, version)).toEqual({ answer: refused, arrived: 0 });
  });

  it('a client with the certificate of another authority does nothing', async () => {
    const options = { tls: { ...keys, cert: impostor.cert, key: impostor.key } };
    expect(await callOver(options, version)).toEqual({ answer: refused, arrived: 0 });
  });

  it('a CAS whose certificate is of another authority gets nothing', async () => {
    expect(await callOver({ tls: { ...keys, ca: stranger.cert } }, version)).toEqual({
      answer: 'not-sent CAS_TLS_FAILED',
      arrived: 0,
    });
  });

  it('a CAS under a name that its certificate does not have gets nothing', async () => {
    const cas = await startCas(good, {
      tls: { key: server.key, cert: server.cert, clientCa: authority.cert, maxVersion: version },
    });
    open.push(cas);
    const other = await startCas({ ...good, baseUrl: cas.url.replace('127.0.0.1', 'localhost') });
    open.push(other);
    expect(said((await other.client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('not-sent CAS_TLS_FAILED');
  });
});
