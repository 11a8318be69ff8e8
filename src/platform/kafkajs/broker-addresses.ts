/**
 * Defect: kafkajs cuts `host:port` at every colon, so that an IPv6 address such as `[::1]:9092` becomes the host `[`.
 * Repair: the address of a first broker is cut here; brokers that the cluster names come with host and port apart.
 */

interface Destination {
  readonly host?: string;
  readonly port?: number;
  readonly rack?: string | null;
}

interface PoolBuilder {
  build(destination?: Destination): Promise<unknown>;
}

type CreatePoolBuilder = (options: { readonly brokers: readonly string[] }) => PoolBuilder;

/** `host:port`, with an IPv6 host in brackets; null if it is something else. */
export function parseBroker(address: string): { readonly host: string; readonly port: number } | null {
  const [, bracketed, plain, port = ''] =
    /^(?:\[([\da-f:.]+(?:%[\w.-]+)?)\]|([^\s:[\]/@]+)):(\d{1,5})$/i.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return null;
  return { host, port: Number(port) };
}

export function repairBrokerAddresses(original: CreatePoolBuilder): CreatePoolBuilder {
  return (options) => {
    const builder = original(options);
    let next = 0;
    return {
      build(destination = {}) {
        if (destination.host) return builder.build(destination);
        const address = options.brokers[next % options.brokers.length] ?? '';
        next += 1;
        const broker = parseBroker(address);
        if (broker === null) {
          return Promise.reject(new Error(`"${address}" is no broker: give host:port, an IPv6 host in brackets`));
        }
        return builder.build(broker);
      },
    };
  };
}
