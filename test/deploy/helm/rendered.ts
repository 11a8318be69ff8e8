import { parseAllDocuments } from 'yaml';
import { expect } from 'vitest';
import { helmTools } from '../../../dev/helm/tools.ts';
import type { Manifest } from '../../../dev/helm/validate.ts';

/** What Helm makes of the chart, for the tests. */
export const CHART = 'deploy/helm/conax-provisioning';
export const MINIMAL = 'test/deploy/helm/values/minimal.yaml';
export const PRODUCTION = 'test/deploy/helm/values/production.yaml';

/** Helm and the schemas, fetched if this machine lacks them. */
export const tools = helmTools(console.log).then((found) => {
  console.log(found.description);
  return found;
});

export interface Variable {
  readonly name: string;
  readonly value?: string;
}

export interface Container {
  readonly args: readonly string[];
  readonly image: string;
  readonly env: readonly Variable[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken: boolean;
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly [Container];
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string; readonly items: readonly { key: string; path: string }[] };
  }[];
}

export type Workload = Manifest & {
  readonly spec: { readonly replicas?: number; readonly template: { readonly spec: PodSpec } };
};

const renderings = new Map<string, Promise<Manifest[]>>();

/** The documents that Helm makes of the chart; the same arguments are rendered once. */
export function rendered(...args: readonly string[]): Promise<Manifest[]> {
  const found = renderings.get(args.join(' ')) ?? render(args);
  renderings.set(args.join(' '), found);
  return found;
}

async function render(args: readonly string[]): Promise<Manifest[]> {
  const text = await (await tools).helm(['template', 'tv', CHART, '--namespace', 'tv', ...args]);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

export async function workload(kind: 'Deployment' | 'Job', ...args: readonly string[]): Promise<Workload> {
  const found = (await rendered(...args)).find((manifest) => manifest.kind === kind);
  if (found === undefined) throw new Error(`There is no ${kind}`);
  return found as Workload;
}

/** The Deployment, and the Job if there is one. */
export async function workloads(...args: readonly string[]): Promise<Workload[]> {
  const found = (await rendered(...args)).filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
  expect(found.length).toBeGreaterThan(0);
  return found as Workload[];
}

export const podOf = ({ spec }: Workload): PodSpec => spec.template.spec;
export const variableOf = ({ containers: [{ env }] }: PodSpec, name: string): string | undefined =>
  env.find((variable) => variable.name === name)?.value;
