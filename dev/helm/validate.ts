import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What every document of Kubernetes has. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: unknown;
}

/** npm packages with the schemas of API groups that are not Kubernetes' own. */
const PACKAGES = [
  ['keda.sh/', '@kubernetes-models/keda'],
  ['monitoring.coreos.com/', '@kubernetes-models/prometheus-operator'],
] as const;

interface Model {
  readonly prototype: { validate(): void };
}

/** Returns what the schema of its kind finds wrong with a document, members that the schema lacks included; empty if valid. */
export async function problemsOf(manifest: Manifest, schemas: string): Promise<string[]> {
  const { apiVersion, kind } = manifest;
  const found = PACKAGES.find(([group]) => apiVersion.startsWith(group));
  const file = join(schemas, 'node_modules', found?.[1] ?? 'kubernetes-models', apiVersion, `${kind}.js`);
  let model: Model;
  try {
    const module = (await import(pathToFileURL(file).href)) as Record<string, Model> & {
      default?: Record<string, Model>;
    };
    model = (module[kind] ?? module.default?.[kind]) as Model;
  } catch (error) {
    return [`${apiVersion} ${kind} has no schema: ${String(error)}`];
  }
  const unread = new Set<string>();
  try {
    model.prototype.validate.call(watched(manifest, '', unread));
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  return [...unread].map((path) => `${path} is no member that Kubernetes knows`);
}

/**
 * Notes in `unread` each member that nobody has read yet. The schemas allow members that they do not know, as Kubernetes
 * does; but their compiled validators read every member that they know.
 */
function watched<T>(value: T, path: string, unread: Set<string>): T {
  if (typeof value !== 'object' || value === null) return value;
  const members = new Map(
    Object.entries(value).map(([key, member]) => {
      unread.add(`${path}/${key}`);
      return [key, watched(member as unknown, `${path}/${key}`, unread)];
    }),
  );
  return new Proxy(value, {
    get(target, key, receiver) {
      if (typeof key !== 'string' || !members.has(key)) return Reflect.get(target, key, receiver) as unknown;
      unread.delete(`${path}/${key}`);
      return members.get(key);
    },
  });
}
