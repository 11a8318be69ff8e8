import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly for: string | null;
  readonly severity: string;
  readonly runbook: string;
}

export const RULES = 'deploy/helm/conax-provisioning/rules/alerts.yaml';

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly runbook: string };
    }[];
  }[];
}

/** Reads the alerts of the rule file. */
export function alertsOf(text = readFileSync(RULES, 'utf8')): Alert[] {
  const { groups } = parse(text) as RuleFile;
  return groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr, for: wait, labels: { severity }, annotations: { runbook } }) => ({
      name: alert,
      expr,
      for: wait ?? null,
      severity,
      runbook,
    })),
  );
}

/** Returns every metric that an expression of PromQL names, with the values of its labels that it selects. */
export function selectorsOf(expr: string): { name: string; labels: Record<string, string[]> }[] {
  return [...expr.matchAll(/\b((?:conax|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', matchers = '']) => ({
      name,
      labels: Object.fromEntries(
        [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)].map(([, label = '', values = '']) => [
          label,
          values.split('|'),
        ]),
      ),
    }),
  );
}

/** Returns the labels by which an expression groups or matches. */
export function groupingOf(expr: string): string[] {
  return [...expr.matchAll(/\b(?:by|on|without|ignoring) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
}

const DASHBOARDS = 'deploy/grafana';

/** Returns the queries of all panels of the dashboards. */
export function queriesOfDashboards(): { panel: string; datasource: string; expr: string }[] {
  return readdirSync(DASHBOARDS).flatMap((file) => {
    const { panels } = JSON.parse(readFileSync(`${DASHBOARDS}/${file}`, 'utf8')) as {
      panels: { title: string; datasource: { uid: string }; targets: { expr: string }[] }[];
    };
    return panels.flatMap(({ title, datasource, targets }) =>
      targets.map(({ expr }) => ({ panel: title, datasource: datasource.uid, expr })),
    );
  });
}
