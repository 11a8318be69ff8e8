import { Counter, type Registry } from '@prometheus-io/client';
import type { Logger } from '../platform/logging.ts';

/** Returns what a client calls when the CAS sent bytes that no request asked for: counts each time, logs the first. */
export function reportSurplus(registry: Registry, logger: Logger): () => void {
  const surplus = new Counter({
    name: 'conax_cas_surplus_total',
    help: 'ALERT: connections on which the CAS, or a proxy, sent bytes that no request asked for, such as a second answer.',
    registers: [registry],
  });
  let isLogged = false;
  return () => {
    surplus.inc();
    if (isLogged) return;
    isLogged = true;
    logger.error(
      'conax: the CAS or a proxy sent bytes that no request asked for, such as a second answer; the connection is closed, and from now on every call has its own. Logged once; conax_cas_surplus_total counts them',
    );
  };
}
