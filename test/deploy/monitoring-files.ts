import { readdirSync, readFileSync } from 'node:fs';

export interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly for: string | null;
  readonly severity: string;
  readonly runbook: string;
}

export const RULES = 'deploy/helm/conax-provisioning/rules/alerts.yaml';

/** Reads the alerts of the rule file, by its fixed layout. @throws Error naming the alert that has another one. */
export function alertsOf(text = readFileSync(RULES, 'utf8')): Alert[] {
  const [, ...rules] = text.replaceAll(/^ *#.*\n/gm, '').split(/^ {6}- alert: /m);
  return rules.map((rule) => {
    const { name, expr, wait, severity, runbook } =
      /^(?<name>\w+)\n {8}expr: (?<expr>.+(?:\n {10}.+)*)\n(?: {8}for: (?<wait>\w+)\n)? {8}labels:\n {10}severity: (?<severity>\w+)\n {8}annotations:\n {10}summary: .+\n {10}runbook: (?<runbook>\S+)\n$/.exec(
        rule,
      )?.groups ?? {};
    if (name === undefined || expr === undefined || severity === undefined || runbook === undefined)
      throw new Error(`Not expr, for, severity, summary, runbook in this order: ${rule}`);
    return { name, expr: expr.replace(/^>-/, ''), for: wait ?? null, severity, runbook };
  });
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
