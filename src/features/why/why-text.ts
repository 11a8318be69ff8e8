import { phaseText } from '../../operations/shown-request.ts';
import { quoted, table } from '../../platform/terminal-text.ts';
import type { Explanation } from './explanation.ts';

/** The explanation as text: the verdict first, then what to do, then what it is made of. */
export function whyText(shown: Explanation, { of }: { readonly of: string }): string {
  const {
    subject,
    also,
    verdict,
    findings,
    subscriptions,
    queue,
    timeline,
    timeline_next: next,
    cas_not_asked: notAsked,
  } = shown;
  const held = subscriptions.map(({ number, state, version }) => `${number} (${state}, version ${version})`).join(', ');
  const others = also.map(({ kind, id }) => `${kind} ${id}`).join(', ');
  const head = [
    `${subject.kind} ${subject.id}${held === '' ? '' : `, subscription ${held}`}`,
    others === '' ? null : `There is also: ${others}.`,
    '',
    verdict,
    '',
  ];
  const causes = findings.flatMap(({ code, severity, sentence, since, remedy }) => [
    `${severity === 'blocking' ? '!' : '-'} ${code}${since === null ? '' : ` since ${since}`}`,
    `    ${sentence}`,
    `    ${remedy.sentence}${remedy.command === null ? '' : `\n    npx --no conax-provisioning ${remedy.command}`}`,
  ]);
  const parts = [
    [...head.filter((line) => line !== null), ...causes].join('\n'),
    titled('Services', entitlementTable(shown)),
    titled('Pairing', pairingTable(shown)),
    notAsked === null ? '' : `The CAS was not asked: ${notAsked}.`,
    titled('Unfinished', queueTable(queue)),
    titled('Timeline', timeline.map(({ at, text }) => `${at}  ${text}\n`).join('')),
    next === null ? '' : `Older: npx --no conax-provisioning why ${quoted(of)} --after ${next}`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function titled(title: string, content: string): string {
  return content === '' ? '' : `${title}\n${content.trimEnd()}`;
}

function entitlementTable({ entitlements }: Explanation): string {
  return table(
    [
      ['card', (row) => row.smartcard_ca_id],
      ['service', (row) => row.service_ca_id],
      ['product', (row) => row.product_code],
      ['CRM', (row) => row.crm],
      [
        'last sent',
        (row) => (row.request === null ? row.last_sent : `${row.last_sent} ${row.request} ${row.request_phase}`),
      ],
      ['CAS', (row) => row.cas],
    ],
    entitlements,
  );
}

function pairingTable({ pairings }: Explanation): string {
  return table(
    [
      ['card', (row) => row.smartcard_ca_id],
      ['CRM', (row) => row.crm.join(' ')],
      ['our record', (row) => row.known?.join(' ') ?? 'none'],
      ['CAS', (row) => (row.cas === null ? 'not known' : row.cas.join(' ') || 'none')],
    ],
    pairings,
  );
}

function queueTable(queue: Explanation['queue']): string {
  return table(
    [
      ['request', (row) => row.number],
      ['type', (row) => row.type],
      ['phase', phaseText],
      ['attempts', (row) => row.attempts],
      ['last error', (row) => row.last_error],
    ],
    queue,
  );
}
